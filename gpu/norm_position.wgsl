// The normalised input of a block's products, by itself, for their weights' gradients:
//
//     y[i] = RMSNorm(x[i]; norm) (+ offsets[i] P^T + b_P if POSITION)        scale[i] = 1 / sqrt(mean(x^2) + 2^-23)
//
//     x [rows, width]   offsets [rows, DIMENSIONS]   P [width, DIMENSIONS]   y [rows, width]   scale [rows]
//
// Eight threads a row, which with QUADS take a quad of numbers each at a time; partial sums are added in a fixed order.
//! include stored.wgsl

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> norm: array<Stored>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;
@group(0) @binding(4) var<storage, read_write> scale: array<f32>;
//! if POSITION
@group(0) @binding(5) var<storage, read> offsets: array<f32>;
@group(0) @binding(6) var<storage, read> position_weight: array<f32>;
@group(0) @binding(7) var<storage, read> position_bias: array<Stored>;
//! end

const RMS_EPSILON: f32 = 1.1920928955078125e-7;
var<workgroup> partial: array<f32, 64>;

//! if POSITION
// What the k-th channel, or the k-th quad of them, takes from axis `axis`.
fn direction(k: u32, axis: u32) -> Stored {
//! if QUADS
  let at = k * 4 * DIMENSIONS + axis;
  return vec4f(
    position_weight[at], position_weight[at + DIMENSIONS], position_weight[at + 2 * DIMENSIONS], position_weight[at + 3 * DIMENSIONS]);
//! else
  return position_weight[k * DIMENSIONS + axis];
//! end
}
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let row = min(wanted, parameters.rows - 1);
  let lane = thread % 8;
  let items = parameters.width / NUMBERS;
  let first = row * items;
  var squares = Stored(0);
  for (var k = lane; k < items; k += 8) { squares = fma(x[first + k], x[first + k], squares); }
  partial[thread] = total_of(squares);
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[thread / 8 * 8 + i]; }
  let row_scale = 1.0 / sqrt(total / f32(parameters.width) + RMS_EPSILON);
  if (wanted >= parameters.rows) { return; }
  if (lane == 0) { scale[row] = row_scale; }
  for (var k = lane; k < items; k += 8) {
    var value = x[first + k] * row_scale * norm[k];
//! if POSITION
    value += position_bias[k];
//! repeat a DIMENSIONS
    value = fma(Stored(offsets[row * DIMENSIONS + $a]), direction(k, $a), value);
//! end
//! end
    y[first + k] = value;
  }
}
