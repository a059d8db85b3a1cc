// Joins the sums of each parameter's blocks in a fixed order:
//
//     norms[p] = sum over the blocks of parameter p of sums[block]; 0 if the parameter has no gradient
//
//     sums [blocks] (squares, elements that are not finite)   ranges [count] (first block, blocks, counts, -)   norms [count]
//
// One workgroup per parameter: lane l adds blocks l, l + 256, ...; the lanes are added up pairwise.
//! include workgroup.wgsl

struct Parameters { first_group: u32, count: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> sums: array<vec2f>;
@group(0) @binding(2) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> norms: array<vec2f>;

var<workgroup> lanes: array<vec2f, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let parameter = workgroup_number(group, groups);
  let range = ranges[min(parameter, parameters.count - 1)];
  var own = vec2f(0.0);
  if (range.z != 0) {
    var block = lane;
    for (; block + 7 * 256 < range.y; block += 8 * 256) {
      // As in row_moments.wgsl, all loads are under way before one is waited for.
//! repeat i 8
      var block_@7-$i@ = sums[range.x + block + @7-$i@ * 256];
//! end
//! repeat i 8
      own += block_$i;
//! end
    }
    for (; block < range.y; block += 256) { own += sums[range.x + block]; }
  }
  lanes[lane] = own;
  for (var step = 128u; step > 0; step /= 2) {
    workgroupBarrier();
    if (lane < step) { lanes[lane] += lanes[lane + step]; }
  }
  if (lane == 0 && parameter < parameters.count) { norms[parameter] = lanes[0]; }
}
