// The term that the softmax's backward pass subtracts from every score of a query:
//
//     delta[i, h] = sum_e dout[i, h, e] out[i, h, e]          out, dout [rows, H E], delta [rows, H]
//
// HEAD_VEC4S = ceil(E / 4).
//! include stored.wgsl
//! include vec4_read.wgsl out dout
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, heads: u32, head_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> out: array<Stored>;
@group(0) @binding(2) var<storage, read> dout: array<Stored>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.rows * parameters.heads) { return; }
  let begin = item * parameters.head_width;
  var sum = 0.0;
//! repeat i HEAD_VEC4S
  sum += dot(
    dout_some(begin + $i * 4, parameters.head_width - $i * 4),
    out_some(begin + $i * 4, parameters.head_width - $i * 4));
//! end
  delta[item] = sum;
}
