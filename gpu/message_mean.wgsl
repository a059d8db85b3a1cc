// The mean of the normalised messages that arrive at each node:
//
//     out[j, c] = norm_weight[c] * mean over edges e into j of (message(e, c) - mean_e) * scale_e + norm_bias[c]
//
// and 0 where no edge arrives (without weight and bias unless AFFINE), for the first `targets` nodes: out [targets, width]. A thread a number of the result; it adds
// up its edges in their order.
//! include message.wgsl

struct Parameters { nodes: u32, edges: u32, width: u32, weight_stride: u32, targets: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<f32>;
@group(0) @binding(4) var<storage, read> graph: array<u32>;
@group(0) @binding(5) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
//! if AFFINE
@group(0) @binding(7) var<storage, read> norm_weight: array<f32>;
@group(0) @binding(8) var<storage, read> norm_bias: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  if (item >= parameters.targets * parameters.width) { return; }
  let node = item / parameters.width;
  let channel = item % parameters.width;
  let first = graph[node];
  let end = graph[node + 1];
  var sum = 0.0;
  for (var e = first; e < end; e++) {
    let moments = statistics[e];
    sum = fma(message(edge_source(e), node, channel) - moments.x, moments.y, sum);
  }
  var mean = sum / f32(max(end - first, 1u));
//! if AFFINE
  mean = select(0.0, fma(norm_weight[channel], mean, norm_bias[channel]), end > first);
//! end
  out[item] = mean;
}
