// The work of one workgroup in the kernels of ball attention: a block of one ball's points, for one head. ball_head.wgsl declares balls.
//! include workgroup.wgsl
struct Parameters { first_group: u32, first_ball: u32, ball_count: u32, first_row: u32, heads: u32, head_width: u32, query_blocks: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;

struct Block {
  // The ball's first row and its number of points.
  first: u32,
  size: u32,
  head: u32,
  // The index within the ball of the block's first point. If it is not below `size`, the workgroup has nothing to do.
  begin: u32,
}

// Returns block number `index` of all blocks of `points` points. It returns in one place: after a return under a condition FXC, the
// older of Direct3D's compilers, takes the block's numbers for uninitialised and refuses barriers that depend on them (X3663).
fn block_of(index: u32, points: u32) -> Block {
  let head = (index / parameters.query_blocks) % parameters.heads;
  let ball_index = index / (parameters.query_blocks * parameters.heads);
  var block = Block(0, 0, head, (index % parameters.query_blocks) * points);
  if (ball_index < parameters.ball_count) {
    let ball = balls[parameters.first_ball + ball_index];
    block.first = ball.x - parameters.first_row;
    block.size = ball.y;
  }
  return block;
}
