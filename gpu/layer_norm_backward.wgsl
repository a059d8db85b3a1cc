// LayerNorm's backward, y = (x - mean) * scale * weight + bias:
//
//     n = (x - mean) * scale                                                      normalised [rows, width], for the weight's gradient
//     dx (+)= scale (g - mean(g) - n mean(g n)),   g = dy * weight                x, dy, dx [rows, width]
//
// ACCUMULATE adds to dx. Eight threads a row, sums in a fixed order.

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> normalised: array<f32>;

const LAYER_EPSILON: f32 = 1e-5;
var<workgroup> partial: array<vec2f, 64>;

fn row_total(row_in_group: u32) -> vec2f {
  var total = vec2f(0);
  for (var i = 0u; i < 8; i++) { total += partial[row_in_group * 8 + i]; }
  return total;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let first = min(wanted, parameters.rows - 1) * parameters.width;
  let lane = thread % 8;
  let width = f32(parameters.width);
  var sum = 0.0;
  for (var c = lane; c < parameters.width; c += 8) { sum += x[first + c]; }
  partial[thread] = vec2f(sum, 0);
  workgroupBarrier();
  let mean = row_total(thread / 8).x / width;
  workgroupBarrier();
  var squares = 0.0;
  for (var c = lane; c < parameters.width; c += 8) { squares = fma(x[first + c] - mean, x[first + c] - mean, squares); }
  partial[thread] = vec2f(squares, 0);
  workgroupBarrier();
  let scale = 1.0 / sqrt(row_total(thread / 8).x / width + LAYER_EPSILON);
  workgroupBarrier();
  var sums = vec2f(0);
  for (var c = lane; c < parameters.width; c += 8) {
    let g = dy[first + c] * weight[c];
    sums += vec2f(g, g * (x[first + c] - mean) * scale);
  }
  partial[thread] = sums;
  workgroupBarrier();
  let means = row_total(thread / 8) / width;
  if (wanted >= parameters.rows) { return; }
  for (var c = lane; c < parameters.width; c += 8) {
    let n = (x[first + c] - mean) * scale;
    var value = scale * (dy[first + c] * weight[c] - means.x - n * means.y);
//! if ACCUMULATE
    value += dx[first + c];
//! end
    dx[first + c] = value;
    normalised[first + c] = n;
  }
}
