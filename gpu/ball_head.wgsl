// The inputs of all kernels of ball attention, how they read a point's position and its part of a head, and the distance and the
// product that they compute. With VEC4, E is a multiple of 4.
//
//     qkv [rows, 3 H E]   positions [rows, DIMENSIONS]   sigma [H]   balls [balls, 2] first row and size of each ball
//
// Scores are in base-2 logarithms: queries and sigma are multiplied by LOG2_E, because GPUs have an instruction for exp2, and
// compute exp from it with one multiplication more.
//! include stored.wgsl
//! include ball_block.wgsl
//! include vec4_read.wgsl qkv

@group(0) @binding(1) var<storage, read> qkv: array<Stored>;
@group(0) @binding(2) var<storage, read> positions: array<f32>;
@group(0) @binding(3) var<storage, read> sigma: array<f32>;
@group(0) @binding(4) var<storage, read> balls: array<vec2u>;

const LOG2_E: f32 = 1.4426950408889634;
const LN_2: f32 = 0.6931471805599453;

// Returns the position of a row as a vec4 whose fourth element is `fourth`.
fn position_of(row: u32, fourth: f32) -> vec4f {
  var position = vec4f(0, 0, 0, fourth);
//! repeat a DIMENSIONS
  position[$a] = positions[row * DIMENSIONS + $a];
//! end
  return position;
}

// Returns four neighbouring elements of a head of q (`part` 0), k (1) or v (2), with zeros beyond the head's end.
fn head_vec4(row: u32, head: u32, part: u32, item: u32) -> vec4f {
  let at = ((row * 3 + part) * parameters.heads + head) * parameters.head_width + item * 4;
  return qkv_some(at, parameters.head_width - item * 4);
}

fn distance_between(a: vec4f, b: vec4f) -> f32 {
  var square = 0.0;
//! repeat a DIMENSIONS
  square = fma(a[$a] - b[$a], a[$a] - b[$a], square);
//! end
  return sqrt(square);
}

// Returns sum + a . b by four fused multiply-adds.
fn add_product(sum: f32, a: vec4f, b: vec4f) -> f32 { return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum)))); }
