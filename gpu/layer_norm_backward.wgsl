// The backward pass of LayerNorm, y = (x - mean) * scale * weight + bias:
//
//     n = (x - mean) * scale                                                      normalised [rows, width], for the weight's gradient
//     dx (+)= scale (g - mean(g) - n mean(g n)),   g = dy * weight                x, dy, dx [rows, width]
//
// ACCUMULATE adds to dx. A workgroup computes eight rows, eight threads per row (row_moments.wgsl).
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> dy: array<Stored>;
@group(0) @binding(4) var<storage, read_write> dx: array<Stored>;
@group(0) @binding(5) var<storage, read_write> normalised: array<Stored>;
//! include row_moments.wgsl

// Element k (with VEC4 vec4 k) of n and of g in the row that begins at `first`.
struct Pair {
  n: Stored,
  g: Stored,
}

fn pair(first: u32, k: u32, moments: vec2f) -> Pair {
  return Pair((x[first + k] - moments.x) * moments.y, dy[first + k] * weight[k]);
}

fn gradient(own: Pair, moments: vec2f, means: vec2f) -> Stored { return moments.y * (own.g - means.x - own.n * means.y); }

fn put(at: u32, value: Stored) {
//! if ACCUMULATE
  dx[at] += value;
//! else
  dx[at] = value;
//! end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = workgroup_number(group, groups) * 8 + thread / 8;
  let items = parameters.width / ELEMENTS;
  let first = min(wanted, parameters.rows - 1) * items;
  let lane = thread % 8;
  let moments = row_moments(first, thread);
  var g_sum = Stored(0);
  var product_sum = Stored(0);
  var k = lane;
  for (; k + 24 < items; k += 32) {
//! repeat i 4
    let pair_$i = pair(first, k + $i * 8, moments);
//! end
//! repeat i 4
    g_sum += pair_$i.g;
    product_sum = fma(pair_$i.g, pair_$i.n, product_sum);
//! end
  }
  for (; k < items; k += 8) {
    let own = pair(first, k, moments);
    g_sum += own.g;
    product_sum = fma(own.g, own.n, product_sum);
  }
  let means = row_total(thread, vec2f(total_of(g_sum), total_of(product_sum))) / f32(parameters.width);
  if (wanted >= parameters.rows) { return; }
  // Four loads come before the stores: the compiler cannot tell that dx does not alias what is read.
  for (k = lane; k + 24 < items; k += 32) {
//! repeat i 4
    let result_$i = pair(first, k + $i * 8, moments);
//! end
//! repeat i 4
    normalised[first + k + $i * 8] = result_$i.n;
    put(first + k + $i * 8, gradient(result_$i, moments, means));
//! end
  }
  for (; k < items; k += 8) {
    let own = pair(first, k, moments);
    normalised[first + k] = own.n;
    put(first + k, gradient(own, moments, means));
  }
}
