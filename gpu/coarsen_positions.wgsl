// The positions of the next level's nodes, and each child's offset from its parent:
//
//     centres[g] = mean of positions[g * stride .. (g + 1) * stride]                 centres [groups, DIMENSIONS]
//     offsets[i] = positions[i] - centres[i / stride]                                offsets [groups * stride, DIMENSIONS]
//! include workgroup.wgsl

struct Parameters { first_group: u32, groups: u32, stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> positions: array<f32>;
@group(0) @binding(2) var<storage, read_write> centres: array<f32>;
@group(0) @binding(3) var<storage, read_write> offsets: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  if (item >= parameters.groups * DIMENSIONS) { return; }
  let first = (item / DIMENSIONS) * parameters.stride * DIMENSIONS + item % DIMENSIONS;
  // The sum is relative to the group's first node, so that a cloud far from the origin loses no precision.
  let origin = positions[first];
  var sum = 0.0;
  // Eight loads are under way at once; those beyond the group's end read its last node.
  let last = parameters.stride - 1;
  for (var begin = 0u; begin < parameters.stride; begin += 8) {
//! repeat i 8
    let place_$i = positions[first + min(begin + $i, last) * DIMENSIONS];
//! end
//! repeat i 8
    if (begin + $i < parameters.stride) { sum += place_$i - origin; }
//! end
  }
  let mean = sum / f32(parameters.stride);
  centres[item] = origin + mean;
  for (var begin = 0u; begin < parameters.stride; begin += 8) {
//! repeat i 8
    let place_$i = positions[first + min(begin + $i, last) * DIMENSIONS];
//! end
//! repeat i 8
    if (begin + $i < parameters.stride) { offsets[first + (begin + $i) * DIMENSIONS] = (place_$i - origin) - mean; }
//! end
  }
}
