// The sums over rows that BatchNorm's backward pass needs, one set for each part of the rows:
//
//     sums[part, 0, c] = sum of dy[row, c]        sums[part, 1, c] = sum of dy[row, c] (x[row, c] - mean[c]) / sqrt(variance[c] + 1e-5)
//
//     x, dy [rows, width]   sums [parts, 2, width], added up by sum_parts.wgsl

struct Parameters { first_group: u32, rows: u32, items: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> mean: array<Stored>;
@group(0) @binding(3) var<storage, read> variance: array<Stored>;
@group(0) @binding(4) var<storage, read> dy: array<Stored>;
@group(0) @binding(5) var<storage, read_write> sums: array<Stored>;
//! include column_tile.wgsl

const BATCH_EPSILON: f32 = 1e-5;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = place_of(workgroup_number(group, groups), thread);
  let column = min(place.column, parameters.items - 1);
  let centre = mean[column];
  var sum = Stored(0);
  var product = Stored(0);
  var row = place.row;
  for (; row + 7 * LANES < place.end; row += 8 * LANES) {
//! repeat i 8
    let dy_$i = dy[(row + $i * LANES) * parameters.items + column];
    let x_$i = x[(row + $i * LANES) * parameters.items + column];
//! end
//! repeat i 8
    sum += dy_$i;
    product = fma(dy_$i, x_$i - centre, product);
//! end
  }
  for (; row < place.end; row += LANES) {
    let at = row * parameters.items + column;
    sum += dy[at];
    product = fma(dy[at], x[at] - centre, product);
  }
  let total = column_total(thread, sum);
  let product_total = column_total(thread, product);
  if (!writes(place, thread)) { return; }
  let at = (parameters.first_part + place.part) * 2 * parameters.items + column;
  sums[at] = total;
  sums[at + parameters.items] = product_total / sqrt(variance[column] + BATCH_EPSILON);
}
