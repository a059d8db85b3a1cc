// The number of a workgroup in the work of its kernel. The workgroups of a dispatch form a rectangle, since no side may be longer
// than 65,535, and begin at first_group, since long work is divided among dispatches (src/backends/webgpu/recorder.ts). The
// including file declares parameters with first_group.
fn workgroup_number(group: vec3u, groups: vec3u) -> u32 { return parameters.first_group + group.y * groups.x + group.x; }
