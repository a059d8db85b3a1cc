// Four neighbouring numbers of $array, from the `at`-th on. With QUADS it is an array of quads, and `at` a multiple of 4;
// without, what lies beyond a row's end comes along, for the caller to leave aside. Shifts, since SwiftShader makes a division
// for each thread of what other compilers know better.
fn $array_quad(at: u32) -> vec4f {
//! if QUADS
  return vec4f($array[at >> 2]);
//! else
  return vec4f(f32($array[at]), f32($array[at + 1]), f32($array[at + 2]), f32($array[at + 3]));
//! end
}

// The same, with zeros after the first `count`; with QUADS all four are meant.
fn $array_some(at: u32, count: u32) -> vec4f {
//! if QUADS
  return $array_quad(at);
//! else
  var values = vec4f(0);
  for (var i = 0u; i < min(count, 4); i++) { values[i] = f32($array[at + i]); }
  return values;
//! end
}
