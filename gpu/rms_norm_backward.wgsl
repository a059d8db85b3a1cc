// The backward pass of RMSNorm, y = x * scale * norm with scale = 1 / sqrt(mean(x^2) + eps):
//
//     dx[i] (+)= scale_i (norm * dy[i] - x[i] scale_i^2 mean(norm * dy[i] * x[i]))          x, dy, dx [rows, width], scale [rows]
//
// dy is the gradient of the norm's result. ACCUMULATE adds to dx. column_sums.wgsl computes the weight's gradient, the sum of dy
// * x * scale over the rows. Eight threads per row, each taking one element (with VEC4 one vec4) at a time.
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> norm: array<Stored>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<Stored>;
@group(0) @binding(5) var<storage, read_write> dx: array<Stored>;

var<workgroup> partial: array<f32, 64>;

// Returns element k (with VEC4 vec4 k) of the result for the row that begins at `first`.
fn gradient(first: u32, k: u32, own: f32, shrink: f32) -> Stored {
  var value = own * (norm[k] * dy[first + k] - x[first + k] * shrink);
//! if ACCUMULATE
  value += dx[first + k];
//! end
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = workgroup_number(group, groups) * 8 + thread / 8;
  let row = min(wanted, parameters.rows - 1);
  let lane = thread % 8;
  let items = parameters.width / ELEMENTS;
  let first = row * items;
  var sum = Stored(0);
  var k = lane;
  for (; k + 24 < items; k += 32) {
//! repeat i 4
    let product_$i = norm[k + $i * 8] * dy[first + k + $i * 8];
    let x_$i = x[first + k + $i * 8];
//! end
//! repeat i 4
    sum = fma(product_$i, x_$i, sum);
//! end
  }
  for (; k < items; k += 8) { sum = fma(norm[k] * dy[first + k], x[first + k], sum); }
  partial[thread] = total_of(sum);
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[thread / 8 * 8 + i]; }
  if (wanted >= parameters.rows) { return; }
  let own = scale[row];
  let shrink = total / f32(parameters.width) * own * own;
  // Four loads come before the stores: the compiler cannot tell that dx does not alias what is read.
  for (k = lane; k + 24 < items; k += 32) {
//! repeat i 4
    let dx_$i = gradient(first, k + $i * 8, own, shrink);
//! end
//! repeat i 4
    dx[first + k + $i * 8] = dx_$i;
//! end
  }
  for (; k < items; k += 8) { dx[first + k] = gradient(first, k, own, shrink); }
}
