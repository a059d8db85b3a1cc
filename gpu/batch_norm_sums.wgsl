// The sums BatchNorm's backward needs, in parts of 256 rows:
//
//     sums[part, 0, c] = sum of dy[row, c]        sums[part, 1, c] = sum of dy[row, c] (x[row, c] - mean[c]) / sqrt(variance[c] + 1e-5)
//
//     x, dy [rows, width]   sums [parts, 2, width], added up by sum_parts.wgsl

struct Parameters { rows: u32, width: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

const BATCH_EPSILON: f32 = 1e-5;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  let own_part = item / parameters.width;
  let column = item % parameters.width;
  let first = own_part * 256;
  if (first >= parameters.rows) { return; }
  let centre = mean[column];
  var sum = 0.0;
  var product = 0.0;
  for (var row = first; row < min(first + 256, parameters.rows); row++) {
    let at = row * parameters.width + column;
    sum += dy[at];
    product = fma(dy[at], x[at] - centre, product);
  }
  let at = (parameters.first_part + own_part) * 2 * parameters.width + column;
  sums[at] = sum;
  sums[at + parameters.width] = product / sqrt(variance[column] + BATCH_EPSILON);
}
