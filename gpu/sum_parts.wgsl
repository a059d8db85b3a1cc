// Adds up partial sums in the order of their parts, and writes each to its row and column:
//
//     out[row(r), first_column + c] (+)= sum over parts of sums[part, first + r columns + c]                 r < rows, c < columns
//     SECOND: second[row(r)] (+)= sum over parts of sums[part, first + rows columns + r]                     r < second_rows
//
//     sums [parts, part_size]   out [rows, out_columns]
//
// row(r) = r, or with packed_width = d > 0 the row of the reference's packed qkv: r runs over t, h, e and is written to (h, e,
// t). ACCUMULATE adds to what is there, and so does ACCUMULATE_SECOND. With EIGHT_LANES, for many parts, eight threads share a
// sum, each adding an eighth of the parts in order; the eighths are added up in order.
//! include packing.wgsl
//! include workgroup.wgsl

struct Parameters {
  first_group: u32, parts: u32, part_size: u32, first: u32, rows: u32, columns: u32, out_columns: u32, first_column: u32, packed_width: u32, second_rows: u32
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
//! if SECOND
@group(0) @binding(3) var<storage, read_write> second: array<f32>;
//! end

const LANES: u32 = 1 + 7 * EIGHT_LANES;
const ACROSS: u32 = 64 / LANES;
//! if EIGHT_LANES
var<workgroup> shares: array<f32, 64>;
//! end

fn row_of(index: u32) -> u32 {
  if (parameters.packed_width > 0) { return packed_row(index, parameters.packed_width); }
  return index;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = workgroup_number(group, groups) * ACROSS + thread % ACROSS;
  let size = parameters.rows * parameters.columns;
  let item = min(wanted, size + parameters.second_rows - 1);
  let share = (parameters.parts + LANES - 1) / LANES;
  var part = thread / ACROSS * share;
  let end = min(part + share, parameters.parts);
  var sum = 0.0;
  // Eight loads are issued together: the loop checks that hosts add keep compilers from doing that.
  for (; part + 8 <= end; part += 8) {
    let at = part * parameters.part_size + parameters.first + item;
//! repeat i 8
    let term_$i = sums[at + $i * parameters.part_size];
//! end
//! repeat i 8
    sum += term_$i;
//! end
  }
  for (; part < end; part++) { sum += sums[part * parameters.part_size + parameters.first + item]; }
//! if EIGHT_LANES
  shares[thread] = sum;
  workgroupBarrier();
  if (thread >= ACROSS) { return; }
  for (var lane = 1u; lane < LANES; lane++) { sum += shares[lane * ACROSS + thread]; }
//! end
  if (wanted > item) { return; }
//! if SECOND
  if (item >= size) {
    let row = row_of(item - size);
//! if ACCUMULATE_SECOND
    sum += second[row];
//! end
    second[row] = sum;
    return;
  }
//! end
  let at = row_of(item / parameters.columns) * parameters.out_columns + parameters.first_column + item % parameters.columns;
//! if ACCUMULATE
  sum += out[at];
//! end
  out[at] = sum;
}
