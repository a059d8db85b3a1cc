// y += x, element by element. `size` counts elements, or with VEC4 vec4s.
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, size: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item < parameters.size) { y[item] += x[item]; }
}
