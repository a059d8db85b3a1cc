// BatchNorm's statistics, first half: mean and sum of squared deviations of each column over blocks of 256 rows.
//
//     moments[block, c] = (mean, squares) of x[256 block .. 256 (block + 1), c]          x [rows, width], moments [blocks, width, 2]
//
// first_block is the number of the first row's block when only a part of x is bound.

struct Parameters { rows: u32, width: u32, first_block: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> moments: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  let block = item / parameters.width;
  let column = item % parameters.width;
  let first = block * 256;
  if (first >= parameters.rows) { return; }
  let end = min(first + 256, parameters.rows);
  var sum = 0.0;
  for (var row = first; row < end; row++) { sum += x[row * parameters.width + column]; }
  let mean = sum / f32(end - first);
  var squares = 0.0;
  for (var row = first; row < end; row++) {
    let deviation = x[row * parameters.width + column] - mean;
    squares = fma(deviation, deviation, squares);
  }
  moments[(parameters.first_block + block) * parameters.width + column] = vec2f(mean, squares);
}
