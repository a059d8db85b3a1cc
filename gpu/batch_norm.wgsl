// BatchNorm with given statistics:
//
//     y = (x - mean) / sqrt(variance + 1e-5) * weight + bias          x, y [rows, width]
//! include batch_epsilon.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.width) { return; }
  let column = item % parameters.width;
  y[item] = (x[item] - mean[column]) / sqrt(variance[column] + BATCH_EPSILON) * weight[column] + bias[column];
}
