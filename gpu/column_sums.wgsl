// Sums over the rows, in parts of 256 rows:
//
//     sums[part, c] = sum over the part's rows of x[row, c] (* factor[row, c] if FACTOR) (* scale[row] if SCALE)
//
//     x, factor [rows, columns]   scale [rows]   sums [parts, columns], added up by sum_parts.wgsl
//
// first_part is the number of the first row's part when only a part of the rows is bound.

struct Parameters { rows: u32, columns: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
//! if FACTOR
@group(0) @binding(3) var<storage, read> factor: array<f32>;
//! end
//! if SCALE
@group(0) @binding(4) var<storage, read> scale: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  let own_part = item / parameters.columns;
  let column = item % parameters.columns;
  let first = own_part * 256;
  if (first >= parameters.rows) { return; }
  var sum = 0.0;
  let end = min(first + 256, parameters.rows);
  var row = first;
  for (; row + 8 <= end; row += 8) {
//! repeat i 8
    var value_$i = x[(row + $i) * parameters.columns + column];
//! if FACTOR
    value_$i *= factor[(row + $i) * parameters.columns + column];
//! end
//! if SCALE
    value_$i *= scale[row + $i];
//! end
//! end
//! repeat i 8
    sum += value_$i;
//! end
  }
  for (; row < end; row++) {
    var value = x[row * parameters.columns + column];
//! if FACTOR
    value *= factor[row * parameters.columns + column];
//! end
//! if SCALE
    value *= scale[row];
//! end
    sum += value;
  }
  sums[(parameters.first_part + own_part) * parameters.columns + column] = sum;
}
