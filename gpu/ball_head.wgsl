// How ball attention's kernels read a point's position and its share of a head, and what they compute of them. The including file
// has the parameters of ball_block.wgsl and declares the arrays qkv [rows, 3 H E] and positions [rows, DIMENSIONS]; QUADS says that
// E is a multiple of 4.
//
// Scores are kept in units of log 2, for which queries and sigma are multiplied by LOG2_E: GPUs have a power of two, and make an
// exponential of it with one multiplication more.
//! include stored.wgsl
//! include quads_read.wgsl qkv

const LOG2_E: f32 = 1.4426950408889634;
const LN_2: f32 = 0.6931471805599453;

// With `fourth` as its fourth number.
fn position_of(row: u32, fourth: f32) -> vec4f {
  var position = vec4f(0, 0, 0, fourth);
//! repeat a DIMENSIONS
  position[$a] = positions[row * DIMENSIONS + $a];
//! end
  return position;
}

// Four neighbouring numbers of a head: `part` 0 of q, 1 of k, 2 of v. Zeros beyond the head's end.
fn head_quad(row: u32, head: u32, part: u32, quad: u32) -> vec4f {
  let at = ((row * 3 + part) * parameters.heads + head) * parameters.head_width + quad * 4;
  return qkv_some(at, parameters.head_width - quad * 4);
}

fn distance_between(a: vec4f, b: vec4f) -> f32 {
  var square = 0.0;
//! repeat a DIMENSIONS
  square = fma(a[$a] - b[$a], a[$a] - b[$a], square);
//! end
  return sqrt(square);
}

// sum + a . b, a multiply-add each.
fn add_product(sum: f32, a: vec4f, b: vec4f) -> f32 { return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum)))); }
