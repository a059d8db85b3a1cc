// Measures the device's arithmetic rate: x = x * factor + term, `rounds` times, a multiple of 16; x [size], size a multiple of
// 512. Each thread has eight elements, whose chains of operations are independent.
//! include workgroup.wgsl

struct Parameters { first_group: u32, size: u32, rounds: u32, factor: f32, term: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = 2 * (workgroup_number(group, groups) * 64 + thread);
  if (item * 4 >= parameters.size) { return; }
  let factor = vec4f(parameters.factor);
  let term = vec4f(parameters.term);
  var first = x[item];
  var second = x[item + 1];
  for (var round = 0u; round < parameters.rounds; round += 16) {
//! repeat STEP 16
    first = fma(first, factor, term);
    second = fma(second, factor, term);
//! end
  }
  x[item] = first;
  x[item + 1] = second;
}
