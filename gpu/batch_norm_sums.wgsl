// The sums over rows that BatchNorm's backward pass needs, one set for each part of the rows:
//
//     sums[part, 0, c] = sum of dy[row, c]        sums[part, 1, c] = sum of dy[row, c] (x[row, c] - mean[c]) / sqrt(variance[c] + 1e-5)
//
//     x, dy [rows, width]   sums [parts, 2, width], added up by sum_parts.wgsl
//
// part_rows is 256, so each thread has eight rows. As in row_moments.wgsl, the one that is added first is loaded last.

struct Parameters { first_group: u32, rows: u32, items: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> mean: array<Stored>;
@group(0) @binding(3) var<storage, read> variance: array<Stored>;
@group(0) @binding(4) var<storage, read> dy: array<Stored>;
@group(0) @binding(5) var<storage, read_write> sums: array<Stored>;
//! include batch_epsilon.wgsl
//! include column_tile.wgsl

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = place_of(workgroup_number(group, groups), thread);
  let column = min(place.column, parameters.items - 1);
  let centre = mean[column];
  let last = parameters.rows - 1;
//! repeat i 8
  let at_@7-$i@ = min(place.row + @7-$i@ * LANES, last) * parameters.items + column;
  var dy_@7-$i@ = dy[at_@7-$i@];
  var x_@7-$i@ = x[at_@7-$i@];
//! end
  var sum = Stored(0);
  var product = Stored(0);
//! repeat i 8
  let own_dy_$i = select(Stored(0), dy_$i, place.row + $i * LANES < place.end);
  let deviation_$i = select(Stored(0), x_$i - centre, place.row + $i * LANES < place.end);
  sum += own_dy_$i;
  product = fma(own_dy_$i, deviation_$i, product);
//! end
  let total = column_total(thread, sum);
  let product_total = column_total(thread, product);
  if (!writes(place, thread)) { return; }
  let at = (parameters.first_part + place.part) * 2 * parameters.items + column;
  sums[at] = total;
  sums[at + parameters.items] = product_total / sqrt(variance[column] + BATCH_EPSILON);
}
