// The positional term as it arrives at the queries, keys and values, so that it need not pass through the large product:
//
//     folded[c, a] = sum_k W[c, k] P[k, a]        folded[c, DIMENSIONS] = sum_k W[c, k] b_P[k] + b[c]
//
//     W [3 width, width]   P [width, DIMENSIONS]   b_P [width]   b [3 width]   folded [3 width, DIMENSIONS + 1], c = (t, h, e)
//! include packing.wgsl

struct Parameters { width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> position_weight: array<f32>;
@group(0) @binding(4) var<storage, read> position_bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> folded: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = group.x * 64 + thread;
  if (item >= 3 * parameters.width * (DIMENSIONS + 1)) { return; }
  let row = packed_row(item / (DIMENSIONS + 1), parameters.width);
  let axis = item % (DIMENSIONS + 1);
  var sum = 0.0;
  if (axis == DIMENSIONS) {
    sum = bias[row];
    for (var k = 0u; k < parameters.width; k++) { sum = fma(weight[row * parameters.width + k], position_bias[k], sum); }
  } else {
    for (var k = 0u; k < parameters.width; k++) {
      sum = fma(weight[row * parameters.width + k], position_weight[k * DIMENSIONS + axis], sum);
    }
  }
  folded[item] = sum;
}
