// LayerNorm over the channels, added to a residual:
//
//     y[i] = residual[i] + (x[i] - mean(x[i])) / sqrt(variance(x[i]) + 1e-5) * weight + bias          x, residual, y [rows, width]
//
// A workgroup computes eight rows, eight threads per row (row_moments.wgsl).
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> residual: array<Stored>;
@group(0) @binding(3) var<storage, read> weight: array<Stored>;
@group(0) @binding(4) var<storage, read> bias: array<Stored>;
@group(0) @binding(5) var<storage, read_write> y: array<Stored>;
const ROW_THREADS: u32 = 64;
//! include row_moments.wgsl

// Returns element k (with VEC4 vec4 k) of the result for the row that begins at `first`.
fn result(first: u32, k: u32, moments: vec2f) -> Stored {
  return residual[first + k] + fma((x[first + k] - moments.x) * moments.y, weight[k], bias[k]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = workgroup_number(group, groups) * 8 + thread / 8;
  let items = parameters.width / ELEMENTS;
  let first = min(wanted, parameters.rows - 1) * items;
  let moments = row_moments(first, thread);
  if (wanted >= parameters.rows) { return; }
  // Four loads come before the stores: the compiler cannot tell that y does not alias what is read.
  var k = thread % 8;
  for (; k + 24 < items; k += 32) {
//! repeat i 4
    let y_$i = result(first, k + $i * 8, moments);
//! end
//! repeat i 4
    y[first + k + $i * 8] = y_$i;
//! end
  }
  for (; k < items; k += 8) { y[first + k] = result(first, k, moments); }
}
