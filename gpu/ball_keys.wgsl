// A tile of KEYS keys in workgroup memory, with their values and positions, for the kernels whose threads compute queries. The
// including file includes ball_head.wgsl. The arrays are two-dimensional, [steps, STEP keys], so that the
// inner index is known at compile time and the bounds check that remains is the same for the whole step.
//
// Beyond the ball's end the last key is repeated, which changes no maximum, with a value of zero. The fourth element of a
// position is 1 for the keys of the ball and 0 for these.
var<workgroup> keys: array<array<vec4f, STEP * HEAD_VEC4S>, KEYS / STEP>;
var<workgroup> values: array<array<vec4f, STEP * HEAD_VEC4S>, KEYS / STEP>;
var<workgroup> key_positions: array<array<vec4f, STEP>, KEYS / STEP>;

// Loads the ball's keys from index `start` on into the tile. All loads come before all stores, so that they overlap.
fn load_keys(block: Block, start: u32, thread: u32) {
  let last = block.size - 1;
//! repeat f FETCHES
  let item_$f = $f * THREADS + thread;
  let row_$f = block.first + min(start + item_$f / HEAD_VEC4S, last);
  let key_$f = head_vec4(row_$f, block.head, 1, item_$f % HEAD_VEC4S);
  let value_$f = head_vec4(row_$f, block.head, 2, item_$f % HEAD_VEC4S);
//! end
  let position = position_of(block.first + min(start + thread, last), select(0.0, 1.0, start + thread < block.size));
//! repeat f FETCHES
  if (item_$f < KEYS * HEAD_VEC4S) {
    let step = item_$f / (STEP * HEAD_VEC4S);
    let place = item_$f % (STEP * HEAD_VEC4S);
    keys[step][place] = key_$f;
    values[step][place] = select(vec4f(0), value_$f, start + item_$f / HEAD_VEC4S < block.size);
  }
//! end
  if (thread < KEYS) { key_positions[thread / STEP][thread % STEP] = position; }
}
