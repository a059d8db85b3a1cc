// Rows written to given indices:
//
//     out[index[i]] (+)= source[i]          source [rows, width], index [rows] without repetition, out [targets, width]; ACCUMULATE adds
//
// When the target is larger than one binding, the call is repeated for windows of it: rows first_target .. first_target +
// target_rows are bound, and only rows whose index falls into the window are written. With VEC4 `width` counts vec4s.
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32, first_target: u32, target_rows: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<Stored>;
@group(0) @binding(2) var<storage, read> row_index: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.width) { return; }
  let to_row = row_index[item / parameters.width] - parameters.first_target;
  if (to_row < parameters.target_rows) {
    let at = to_row * parameters.width + item % parameters.width;
    var value = source[item];
//! if ACCUMULATE
    value += out[at];
//! end
    out[at] = value;
  }
}
