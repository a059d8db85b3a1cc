// Returns the weights of channel k (with VEC4 of the k-th vec4 of channels) for axis `axis`: part of a column of position_weight
// [width, DIMENSIONS].
fn direction(k: u32, axis: u32) -> Stored {
//! if VEC4
  let at = k * 4 * DIMENSIONS + axis;
  return vec4f(
    position_weight[at], position_weight[at + DIMENSIONS], position_weight[at + 2 * DIMENSIONS], position_weight[at + 3 * DIMENSIONS]);
//! else
  return position_weight[k * DIMENSIONS + axis];
//! end
}
