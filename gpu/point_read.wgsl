// Reads points of $array [rows, DIMENSIONS]; the coordinates that they lack are 0.
fn $array_point(row: u32) -> vec4f {
  var point = vec4f(0);
//! repeat a DIMENSIONS
  point[$a] = $array[row * DIMENSIONS + $a];
//! end
  return point;
}
