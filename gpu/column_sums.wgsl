// Sums over the rows, one for each part of the rows:
//
//     sums[part, c] = sum over the part's rows of x[row, c] (* factor[row, c] if FACTOR) (* scale[row] if SCALE)
//
//     x, factor [rows, columns]   scale [rows]   sums [parts, columns], added up by sum_parts.wgsl
//
// With PLAIN, sums [parts, 2, columns] holds the sums of x alone first. first_part is the part index of the first bound
// row.

struct Parameters { first_group: u32, rows: u32, items: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> sums: array<Stored>;
//! if FACTOR
@group(0) @binding(3) var<storage, read> factor: array<Stored>;
//! end
//! if SCALE
@group(0) @binding(4) var<storage, read> scale: array<f32>;
//! end
//! include column_tile.wgsl

fn weighted(value: Stored, row: u32, column: u32) -> Stored {
  var result = value;
//! if FACTOR
  result *= factor[row * parameters.items + column];
//! end
//! if SCALE
  result *= scale[row];
//! end
  return result;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = place_of(workgroup_number(group, groups), thread);
  let column = min(place.column, parameters.items - 1);
  var sum = Stored(0);
//! if PLAIN
  var plain = Stored(0);
//! end
  var row = place.row;
  for (; row + 7 * LANES < place.end; row += 8 * LANES) {
//! repeat i 8
    let value_$i = x[(row + $i * LANES) * parameters.items + column];
    let weighted_$i = weighted(value_$i, row + $i * LANES, column);
//! end
//! repeat i 8
    sum += weighted_$i;
//! if PLAIN
    plain += value_$i;
//! end
//! end
  }
  for (; row < place.end; row += LANES) {
    let value = x[row * parameters.items + column];
    sum += weighted(value, row, column);
//! if PLAIN
    plain += value;
//! end
  }
  let total = column_total(thread, sum);
//! if PLAIN
  let plain_total = column_total(thread, plain);
  let at = (parameters.first_part + place.part) * 2 * parameters.items + place.column;
  if (writes(place, thread)) {
    sums[at] = plain_total;
    sums[at + parameters.items] = total;
  }
//! else
  if (writes(place, thread)) { sums[(parameters.first_part + place.part) * parameters.items + place.column] = total; }
//! end
}
