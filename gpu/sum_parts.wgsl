// Adds up partial sums in the order of their parts, and puts each where it belongs:
//
//     out[row(r), first_column + c] (+)= sum over parts of sums[part, r, c]
//
//     sums [parts, part_size], of which rows x columns numbers from `first` on are added up   out [rows, out_columns]
//
// row(r) = r, or with packed_width = d > 0 the row of the reference's packed qkv: r runs over t, h, e and lands at (h, e, t).
// ACCUMULATE adds to what is there.
//! include packing.wgsl

struct Parameters { parts: u32, part_size: u32, first: u32, rows: u32, columns: u32, out_columns: u32, first_column: u32, packed_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  let size = parameters.rows * parameters.columns;
  if (item >= size) { return; }
  var sum = 0.0;
  // Eight at a time, so that their loads are on their way together: hosts' checks of loops keep compilers from doing that.
  var p = 0u;
  for (; p + 8 <= parameters.parts; p += 8) {
    let at = p * parameters.part_size + parameters.first + item;
//! repeat i 8
    let term_$i = sums[at + $i * parameters.part_size];
//! end
//! repeat i 8
    sum += term_$i;
//! end
  }
  for (; p < parameters.parts; p++) { sum += sums[p * parameters.part_size + parameters.first + item]; }
  var row = item / parameters.columns;
  if (parameters.packed_width > 0) { row = packed_row(row, parameters.packed_width); }
  let at = row * parameters.out_columns + parameters.first_column + item % parameters.columns;
//! if ACCUMULATE
  sum += out[at];
//! end
  out[at] = sum;
}
