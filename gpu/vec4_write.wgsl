// Writes `count` (at most four) neighbouring elements of $array, from index `at` on. With VEC4 it is an array of vec4, `at` is a
// multiple of 4 and all four are written. The including file declares Written, the elements' type.
fn put_$array(at: u32, count: u32, values: vec4f) {
//! if VEC4
  $array[at >> 2] = vec4<Written>(values);
//! else
  for (var i = 0u; i < min(count, 4); i++) { $array[at + i] = Written(values[i]); }
//! end
}
