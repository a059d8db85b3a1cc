// BatchNorm's statistics, first half: the mean and the sum of squared deviations of each column over blocks of 256 rows:
//
//     moments[block, 0, c], moments[block, 1, c] = mean and sum of squared deviations of x[256 block .. 256 (block + 1), c]
//
//     x [rows, width]   moments [blocks, 2, width]
//
// part_rows is 256; each thread keeps eight of these rows in registers between the two sums. first_part is the block index of the
// first bound row.

struct Parameters { first_group: u32, rows: u32, items: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> moments: array<Stored>;
//! include column_tile.wgsl

var<workgroup> means: array<Stored, 8>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = place_of(workgroup_number(group, groups), thread);
  let column = min(place.column, parameters.items - 1);
  let last = parameters.rows - 1;
  let rows = f32(place.end - place.part * parameters.part_rows);
//! repeat i 8
  let value_$i = x[min(place.row + $i * LANES, last) * parameters.items + column];
//! end
  var sum = Stored(0);
//! repeat i 8
  sum += select(Stored(0), value_$i, place.row + $i * LANES < place.end);
//! end
  let total = column_total(thread, sum);
  if (thread < ACROSS) { means[thread] = total / rows; }
  workgroupBarrier();
  let mean = means[thread % ACROSS];
  var squares = Stored(0);
//! repeat i 8
  let deviation_$i = select(Stored(0), value_$i - mean, place.row + $i * LANES < place.end);
  squares = fma(deviation_$i, deviation_$i, squares);
//! end
  let squares_total = column_total(thread, squares);
  if (!writes(place, thread)) { return; }
  let at = (parameters.first_part + place.part) * 2 * parameters.items + column;
  moments[at] = mean;
  moments[at + parameters.items] = squares_total;
}
