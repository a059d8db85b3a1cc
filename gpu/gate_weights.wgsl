// The weights of a gated hidden layer in one array, from which gated_product.wgsl and linear.wgsl read them without a branch:
//
//     gates = [W1; W2]               W1, W2 [size] or [size / 4] vec4s, all rows one after the other, gates twice as long
//! include stored.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, size: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> gate_weight: array<Stored>;
@group(0) @binding(2) var<storage, read> value_weight: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gates: array<Stored>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item < parameters.size) {
    gates[item] = gate_weight[item];
    gates[parameters.size + item] = value_weight[item];
  }
}
