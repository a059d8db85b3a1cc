// How ball attention's kernels read a point's position and its share of a head. The including file declares parameters with
// heads and head_width, and the arrays qkv [rows, 3 H E] and positions [rows, DIMENSIONS]; EXACT says that E is a multiple of 4.

fn position_of(row: u32) -> vec4f {
  var position = vec4f(0);
//! repeat a DIMENSIONS
  position[$a] = positions[row * DIMENSIONS + $a];
//! end
  return position;
}

// Four neighbouring numbers of a head: `part` 0 of q, 1 of k, 2 of v.
fn head_quad(row: u32, head: u32, part: u32, quad: u32) -> vec4f {
  let width = parameters.heads * parameters.head_width;
  let first = row * 3 * width + part * width + head * parameters.head_width + quad * 4;
  var result = vec4f(0);
  if (EXACT == 1) { return vec4f(qkv[first], qkv[first + 1], qkv[first + 2], qkv[first + 3]); }
  for (var i = 0u; i < min(4u, parameters.head_width - quad * 4); i++) { result[i] = qkv[first + i]; }
  return result;
}
