// The backward pass of BatchNorm, y = (x - mean) * scale * weight + bias with scale = 1 / sqrt(variance + 1e-5):
//
//     with the batch's own statistics   x_gradient (+)= weight scale (dy - sums[0] / rows - n sums[1] / rows)
//                                       n = (x - mean) * scale
//     with given statistics             x_gradient (+)= weight scale dy
//
//     x, dy, x_gradient [rows, width]   sums [2, width]: dbias = sum of dy, dweight = sum of dy n
//
// TRAINING chooses the batch's own statistics. ACCUMULATE adds to x_gradient. total_rows is the batch's number of rows, of which
// only some may be bound. No array is called dx: Direct3D's compiler DXC takes this for a namespace of its own, and naga (Firefox,
// Deno) leaves names as they are.
//! include batch_epsilon.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32, total_rows: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read> sums: array<f32>;
@group(0) @binding(7) var<storage, read_write> x_gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.width) { return; }
  let column = item % parameters.width;
  let scale = 1.0 / sqrt(variance[column] + BATCH_EPSILON);
  var gradient = dy[item];
//! if TRAINING
  let n = (x[item] - mean[column]) * scale;
  gradient -= (sums[column] + n * sums[parameters.width + column]) / f32(parameters.total_rows);
//! end
  var value = weight[column] * scale * gradient;
//! if ACCUMULATE
  value += x_gradient[item];
//! end
  x_gradient[item] = value;
}
