// A tile of KEYS keys in workgroup memory, their values and positions with them, for the kernels whose threads are queries. The
// including file has what ball_block.wgsl and ball_head.wgsl declare. Arrays are two-dimensional, STEP keys first, so that the
// index inside is known when the kernel is compiled and what is left to check is the same for all of a step.
//
// Beyond the ball's end the last key comes again, which changes no maximum, with a value of zero and 0 as its position's fourth
// number, which is 1 for every key of the ball.
var<workgroup> keys: array<array<vec4f, STEP * HEAD_QUADS>, KEYS / STEP>;
var<workgroup> values: array<array<vec4f, STEP * HEAD_QUADS>, KEYS / STEP>;
var<workgroup> key_positions: array<array<vec4f, STEP>, KEYS / STEP>;

// Fills the tile with the keys from the ball's `start`-th on. All loads come before all stores: they are under way together.
fn load_keys(block: Block, start: u32, thread: u32) {
  let last = block.size - 1;
//! repeat f FETCHES
  let item_$f = $f * THREADS + thread;
  let row_$f = block.first + min(start + item_$f / HEAD_QUADS, last);
  let key_$f = head_quad(row_$f, block.head, 1, item_$f % HEAD_QUADS);
  let value_$f = head_quad(row_$f, block.head, 2, item_$f % HEAD_QUADS);
//! end
  let position = position_of(block.first + min(start + thread, last), select(0.0, 1.0, start + thread < block.size));
//! repeat f FETCHES
  if (item_$f < KEYS * HEAD_QUADS) {
    let step = item_$f / (STEP * HEAD_QUADS);
    let place = item_$f % (STEP * HEAD_QUADS);
    keys[step][place] = key_$f;
    values[step][place] = select(vec4f(0), value_$f, start + item_$f / HEAD_QUADS < block.size);
  }
//! end
  if (thread < KEYS) { key_positions[thread / STEP][thread % STEP] = position; }
}
