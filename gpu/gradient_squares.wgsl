// Squares of a gradient's numbers added up in blocks of 64, and how many of the numbers are NaN or infinite:
//
//     sums[first_block + b] = (sum over block b of g^2, numbers of block b that are not finite)
//
//     gradient [size]   sums [blocks], joined by gradient_norms.wgsl
//
// One thread a block. Bits are looked at, since compilers may assume that x == x.

struct Parameters { size: u32, first_block: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = (group.y * groups.x + group.x) * 64 + thread;
  let first = block * 64;
  if (first >= parameters.size) { return; }
  var sum = 0.0;
  var faults = 0.0;
  for (var i = first; i < min(first + 64, parameters.size); i++) {
    let value = gradient[i];
    if ((bitcast<u32>(value) & 0x7f800000) == 0x7f800000) { faults += 1.0; }
    sum = fma(value, value, sum);
  }
  sums[parameters.first_block + block] = vec2f(sum, faults);
}
