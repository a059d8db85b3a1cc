// The normalised input of a block's products, computed on its own for the gradients of their weights:
//
//     y[i] = RMSNorm(x[i]; norm) (+ offsets[i] P^T + b_P if POSITION)        scale[i] = 1 / sqrt(mean(x^2) + 2^-23)
//
//     x [rows, width]   offsets [rows, DIMENSIONS]   P [width, DIMENSIONS]   y [rows, width]   scale [rows]
//
// With GATHER, row i of x is row row_index[i] of what is stored.
// Eight threads per row, each taking one element (with VEC4 one vec4) at a time; partial sums are added in a fixed order.
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32 }
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
//! if GATHER
@group(0) @binding(8) var<storage, read> row_index: array<u32>;
//! end

//! include rms_epsilon.wgsl
var<workgroup> partial: array<f32, 64>;

//! if POSITION
//! include direction.wgsl
//! end

// Returns element k (with VEC4 vec4 k) of the result for a row whose elements begin at `first` in x.
fn normalised(row: u32, first: u32, k: u32, row_scale: f32) -> Stored {
  var value = x[first + k] * row_scale * norm[k];
//! if POSITION
  value += position_bias[k];
//! repeat a DIMENSIONS
  value = fma(Stored(offsets[row * DIMENSIONS + $a]), direction(k, $a), value);
//! end
//! end
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = workgroup_number(group, groups) * 8 + thread / 8;
  let row = min(wanted, parameters.rows - 1);
  let lane = thread % 8;
  let items = parameters.width / ELEMENTS;
//! if GATHER
  let first = row_index[row] * items;
//! else
  let first = row * items;
//! end
  var squares = Stored(0);
  var k = lane;
  for (; k + 56 < items; k += 64) {
//! repeat i 8
    let value_$i = x[first + k + $i * 8];
//! end
//! repeat i 8
    squares = fma(value_$i, value_$i, squares);
//! end
  }
  for (; k < items; k += 8) { squares = fma(x[first + k], x[first + k], squares); }
  partial[thread] = total_of(squares);
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[thread / 8 * 8 + i]; }
  let row_scale = 1.0 / sqrt(total / f32(parameters.width) + RMS_EPSILON);
  if (wanted >= parameters.rows) { return; }
  if (lane == 0) { scale[row] = row_scale; }
  // Four loads come before the stores: the compiler cannot tell that y does not alias what is read.
  for (k = lane; k + 24 < items; k += 32) {
//! repeat i 4
    let y_$i = normalised(row, first, k + $i * 8, row_scale);
//! end
//! repeat i 4
    y[row * items + k + $i * 8] = y_$i;
//! end
  }
  for (; k < items; k += 8) { y[row * items + k] = normalised(row, first, k, row_scale); }
}
