// How ball attention's kernels read a point's position and its share of a head. The including file has the
// parameters of ball_block.wgsl and declares the arrays qkv [rows, 3 H E] and positions [rows, DIMENSIONS]; QUADS says that E is a
// multiple of 4.
//! include stored.wgsl
//! include quads_read.wgsl qkv

fn position_of(row: u32) -> vec4f {
  var position = vec4f(0);
//! repeat a DIMENSIONS
  position[$a] = positions[row * DIMENSIONS + $a];
//! end
  return position;
}

// Four neighbouring numbers of a head: `part` 0 of q, 1 of k, 2 of v. Zeros beyond the head's end.
fn head_quad(row: u32, head: u32, part: u32, quad: u32) -> vec4f {
  let at = ((row * 3 + part) * parameters.heads + head) * parameters.head_width + quad * 4;
  return qkv_some(at, parameters.head_width - quad * 4);
}
