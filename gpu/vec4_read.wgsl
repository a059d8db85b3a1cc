// Returns four neighbouring elements of $array, from index `at` on. With VEC4 it is an array of vec4, and `at` a multiple of 4;
// without, the vec4 may hold elements beyond a row's end, which the caller ignores. Shifts are used since SwiftShader compiles a
// division by a constant to one division per thread.
fn $array_vec4(at: u32) -> vec4f {
//! if VEC4
  return $array_at(at >> 2);
//! else
  return $array_at(at);
//! end
}

// The same from a place in the array (stored.wgsl).
fn $array_at(place: u32) -> vec4f {
//! if VEC4
  return vec4f($array[place]);
//! else
  return vec4f(f32($array[place]), f32($array[place + 1]), f32($array[place + 2]), f32($array[place + 3]));
//! end
}

// The same with zeros after the first `count` elements; with VEC4 all four are returned.
fn $array_some(at: u32, count: u32) -> vec4f {
//! if VEC4
  return $array_vec4(at);
//! else
  var values = vec4f(0);
  for (var i = 0u; i < min(count, 4); i++) { values[i] = f32($array[at + i]); }
  return values;
//! end
}
