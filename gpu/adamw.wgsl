// One step of AdamW (Loshchilov and Hutter 2019, in the form of torch.optim.AdamW) on packed parameters:
//
//     g = factor * gradient           w = w * decay
//     first += (1 - beta1) (g - first)      second = beta2 second + (1 - beta2) g^2
//     w -= step_size * first / (sqrt(second) * inverse_root + epsilon)
//     average += (1 - averaging) (w - average)                                                    if AVERAGE
//
//     weights, gradients, first, second, average: packed, each parameter begins at a multiple of 64 elements
//     owner [blocks] the index of the parameter that each block of 64 elements belongs to
//     values [parameters] (decay, step_size, inverse_root, factor), made by adamw_control.wgsl
//
// Each thread updates four elements. In place of a decay, 2 (a parameter without a gradient) only updates the average, and 3 changes
// nothing.
//! include workgroup.wgsl

struct Parameters { first_group: u32, items: u32, beta1_rest: f32, beta2: f32, beta2_rest: f32, epsilon: f32, average_rest: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> owner: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> second: array<vec4f>;
//! if AVERAGE
@group(0) @binding(7) var<storage, read_write> average: array<vec4f>;
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.items) { return; }
  let value = values[owner[item / 16]];
  if (value.x > 2.0) { return; }
  var w = weights[item];
  if (value.x <= 1.0) {
    let g = value.w * gradients[item];
    let m = first[item] + parameters.beta1_rest * (g - first[item]);
    let v = parameters.beta2 * second[item] + parameters.beta2_rest * g * g;
    first[item] = m;
    second[item] = v;
    w = value.x * w - value.y * m / (sqrt(v) * value.z + parameters.epsilon);
    weights[item] = w;
  }
//! if AVERAGE
  average[item] += parameters.average_rest * (w - average[item]);
//! end
}
