// LayerNorm over the channels, and what it is added to:
//
//     y[i] = residual[i] + (x[i] - mean(x[i])) / sqrt(variance(x[i]) + 1e-5) * weight + bias          x, residual, y [rows, width]
//
// A workgroup takes eight rows, eight threads a row; two passes, sums in a fixed order.

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

const LAYER_EPSILON: f32 = 1e-5;
var<workgroup> partial: array<f32, 64>;

fn row_total(row_in_group: u32) -> f32 {
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[row_in_group * 8 + i]; }
  return total;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let first = min(wanted, parameters.rows - 1) * parameters.width;
  let lane = thread % 8;
  var sum = 0.0;
  for (var c = lane; c < parameters.width; c += 8) { sum += x[first + c]; }
  partial[thread] = sum;
  workgroupBarrier();
  let mean = row_total(thread / 8) / f32(parameters.width);
  workgroupBarrier();
  var squares = 0.0;
  for (var c = lane; c < parameters.width; c += 8) { squares = fma(x[first + c] - mean, x[first + c] - mean, squares); }
  partial[thread] = squares;
  workgroupBarrier();
  let scale = 1.0 / sqrt(row_total(thread / 8) / f32(parameters.width) + LAYER_EPSILON);
  if (wanted >= parameters.rows) { return; }
  for (var c = lane; c < parameters.width; c += 8) {
    y[first + c] = residual[first + c] + fma((x[first + c] - mean) * scale, weight[c], bias[c]);
  }
}
