// Rows picked by index:
//
//     out[i] = source[index[i]]          source [sources, width], index [rows], out [rows, width]
//
// When the source is larger than one binding, the call is repeated for windows of it: rows first_source .. first_source +
// source_rows are bound, and only rows whose index falls into the window are written. With VEC4 `width` counts vec4s.
//! include workgroup.wgsl

//! if VEC4
alias Item = vec4u;
//! else
alias Item = u32;
//! end

struct Parameters { first_group: u32, rows: u32, width: u32, first_source: u32, source_rows: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<Item>;
@group(0) @binding(2) var<storage, read> row_index: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<Item>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.width) { return; }
  let from_row = row_index[item / parameters.width] - parameters.first_source;
  if (from_row < parameters.source_rows) {
    out[item] = source[from_row * parameters.width + item % parameters.width];
  }
}
