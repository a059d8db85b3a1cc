// Sums over the rows, one for each part of the rows:
//
//     sums[part, c] = sum over the part's rows of x[row, c]          x [rows, columns]   sums [parts, columns]
//
// sum_parts.wgsl adds them up. first_part is the part index of the first bound row.

struct Parameters { first_group: u32, rows: u32, items: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> sums: array<Stored>;
//! include column_tile.wgsl

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = place_of(workgroup_number(group, groups), thread);
  let column = min(place.column, parameters.items - 1);
  var sum = Stored(0);
  var row = place.row;
  for (; row + 7 * LANES < place.end; row += 8 * LANES) {
//! repeat i 8
    let value_$i = x[(row + $i * LANES) * parameters.items + column];
//! end
//! repeat i 8
    sum += value_$i;
//! end
  }
  for (; row < place.end; row += LANES) { sum += x[row * parameters.items + column]; }
  let total = column_total(thread, sum);
  if (writes(place, thread)) { sums[(parameters.first_part + place.part) * parameters.items + place.column] = total; }
}
