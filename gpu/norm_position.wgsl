// The normalised input of a block's products, by itself, for their weights' gradients:
//
//     y[i] = RMSNorm(x[i]; norm) (+ offsets[i] P^T + b_P if POSITION)        scale[i] = 1 / sqrt(mean(x^2) + 2^-23)
//
//     x [rows, width]   offsets [rows, DIMENSIONS]   P [width, DIMENSIONS]   y [rows, width]   scale [rows]
//
// Eight threads a row; partial sums are added in a fixed order.

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> scale: array<f32>;
//! if POSITION
@group(0) @binding(5) var<storage, read> offsets: array<f32>;
@group(0) @binding(6) var<storage, read> position_weight: array<f32>;
@group(0) @binding(7) var<storage, read> position_bias: array<f32>;
//! end

const RMS_EPSILON: f32 = 1.1920928955078125e-7;
var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let row = min(wanted, parameters.rows - 1);
  let lane = thread % 8;
  let first = row * parameters.width;
  var squares = 0.0;
  for (var k = lane; k < parameters.width; k += 8) { squares = fma(x[first + k], x[first + k], squares); }
  partial[thread] = squares;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[thread / 8 * 8 + i]; }
  let row_scale = 1.0 / sqrt(total / f32(parameters.width) + RMS_EPSILON);
  if (wanted >= parameters.rows) { return; }
  if (lane == 0) { scale[row] = row_scale; }
  for (var k = lane; k < parameters.width; k += 8) {
    var value = x[first + k] * row_scale * norm[k];
//! if POSITION
    value += position_bias[k];
//! repeat a DIMENSIONS
    value = fma(offsets[row * DIMENSIONS + $a], position_weight[k * DIMENSIONS + $a], value);
//! end
//! end
    y[first + k] = value;
  }
}
