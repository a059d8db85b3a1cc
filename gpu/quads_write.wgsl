// Writes `count` (at most four) neighbouring numbers of $array, from the `at`-th on. With QUADS it is an array of quads, `at` a
// multiple of 4 and all four are meant. The including file declares Written, the numbers' type.
fn put_$array(at: u32, count: u32, values: vec4f) {
//! if QUADS
  $array[at >> 2] = vec4<Written>(values);
//! else
  for (var i = 0u; i < min(count, 4); i++) { $array[at + i] = Written(values[i]); }
//! end
}
