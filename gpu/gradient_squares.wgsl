// The sum of squares of a gradient in blocks of 64 elements, and how many of the elements are NaN or infinite:
//
//     sums[first_block + b] = (sum over block b of (g / S)^2, number of elements of block b that are not finite)
//
//     gradient [size]   loss_scale (S, 1 / S, -, -)   sums [blocks], joined by gradient_norms.wgsl
//
// Eight threads per block each take every eighth element; their sums are added up in the order of the threads. The bits are
// tested, since compilers may assume that x == x.
//! include workgroup.wgsl

struct Parameters { first_group: u32, size: u32, first_block: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read> loss_scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec2f>;

var<workgroup> lanes: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = workgroup_number(group, groups) * 8 + thread / 8;
  let first = block * 64 + thread % 8;
  let last = parameters.size - 1;
  let unscale = loss_scale[1];
  var own = vec2f(0);
//! repeat i 8
  let value_$i = gradient[min(first + $i * 8, last)];
//! end
//! repeat i 8
  if (first + $i * 8 <= last) {
    let unscaled_$i = unscale * value_$i;
    own += vec2f(unscaled_$i * unscaled_$i, select(0.0, 1.0, (bitcast<u32>(value_$i) & 0x7f800000) == 0x7f800000));
  }
//! end
  lanes[thread] = own;
  workgroupBarrier();
  if (thread % 8 > 0 || first > last) { return; }
  for (var i = 1u; i < 8; i++) { own += lanes[thread + i]; }
  sums[parameters.first_block + block] = own;
}
