// Sums along the middle one of three axes, in parts; the kernel runs again on the parts until a single one is left:
//
//     sums[o, p, i] (+)= factor * sum over k of x[o, p + k parts, i]          x [outer, middle, inner], sums [outer, parts, inner]
//
// A part's elements are `parts` apart, so that neighbouring threads read neighbouring elements whatever the axis. x begins at
// x_first, sums at sums_first, and consecutive elements of the outer axis are x_stride or sums_stride apart: the bindings may be
// windows of larger arrays. ACCUMULATE adds to what is there. The order of a sum is fixed by the shapes.
//! include workgroup.wgsl

struct Parameters {
  first_group: u32, outer: u32, middle: u32, inner: u32, parts: u32, x_first: u32, x_stride: u32, sums_first: u32, sums_stride: u32, factor: f32
}
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = workgroup_number(group, groups) * 64 + thread;
  // A place is a pair of part p and inner index i: an index in sums, and in x that of the part's first element.
  let places = parameters.parts * parameters.inner;
  if (item >= parameters.outer * places) { return; }
  let o = item / places;
  let place = item % places;
  let part = place / parameters.inner;
  let first = parameters.x_first + o * parameters.x_stride + place;
  var sum = 0.0;
  let step = parameters.parts * parameters.inner;
  var k = part;
  var at = first;
  for (; k + 7 * parameters.parts < parameters.middle; k += 8 * parameters.parts) {
//! repeat i 8
    let value_$i = x[at + $i * step];
//! end
//! repeat i 8
    sum += value_$i;
//! end
    at += 8 * step;
  }
  for (; k < parameters.middle; k += parameters.parts) {
    sum += x[at];
    at += step;
  }
  var result = parameters.factor * sum;
  let into = parameters.sums_first + o * parameters.sums_stride + place;
//! if ACCUMULATE
  result += sums[into];
//! end
  sums[into] = result;
}
