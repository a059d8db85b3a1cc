// BatchNorm with given statistics for the columns of linear.wgsl, which are those of one or more rows of `width` channels side by side:
//
//     column_norm[column] = (mean[c], sqrt(variance[c] + 1e-5), weight[c], bias[c]), c = column % width          column_norm [columns]
//! include batch_epsilon.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, columns: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> column_norm: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = workgroup_number(group, groups) * 64 + thread;
  if (column >= parameters.columns) { return; }
  let c = column % parameters.width;
  column_norm[column] = vec4f(mean[c], sqrt(variance[c] + BATCH_EPSILON), weight[c], bias[c]);
}
