// The backward pass of gathering rows: each source row receives the sum of the rows gathered from it:
//
//     out[i] (+)= sum over e in starts[i] .. starts[i + 1] of x[entries[e]]          x [picked, width], out [rows, width]
//
// When x exceeds a binding, it is bound in windows of x_rows rows from first_x on; the first call writes, later ones add.
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32, first_x: u32, x_rows: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> entries: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.width) { return; }
  let row = item / parameters.width;
  let column = item % parameters.width;
  var sum = 0.0;
  let end = starts[row + 1];
  var e = starts[row];
  for (; e + 8 <= end; e += 8) {
//! repeat i 8
    let row_$i = entries[e + $i] - parameters.first_x;
    let value_$i = x[min(row_$i, parameters.x_rows - 1) * parameters.width + column];
//! end
//! repeat i 8
    sum += select(0.0, value_$i, row_$i < parameters.x_rows);
//! end
  }
  for (; e < end; e++) {
    let from_row = entries[e] - parameters.first_x;
    if (from_row < parameters.x_rows) { sum += x[from_row * parameters.width + column]; }
  }
//! if ACCUMULATE
  sum += out[item];
//! end
  out[item] = sum;
}
