// `count` (at most four) neighbouring numbers of $array, from the `at`-th on, as they are and as they become. With QUADS it is
// an array of quads, `at` a multiple of 4 and all four are meant. The including file declares Written, the numbers' type.
fn $array_before(at: u32, count: u32) -> vec4f {
//! if QUADS
  return vec4f($array[at / 4]);
//! else
  var values = vec4f(0);
  for (var i = 0u; i < min(count, 4); i++) { values[i] = f32($array[at + i]); }
  return values;
//! end
}

fn put_$array(at: u32, count: u32, values: vec4f) {
//! if QUADS
  $array[at / 4] = vec4<Written>(values);
//! else
  for (var i = 0u; i < min(count, 4); i++) { $array[at + i] = Written(values[i]); }
//! end
}
