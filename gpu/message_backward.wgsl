// The gradient before the GELU of the messages, dz_e = scale (dn - mean(dn) - n mean(dn n)) gelu'(z) with the moments of
// message_backward_statistics.wgsl, added up at the nodes:
//
//     leaving  out[i, c] = sum over the edges e that leave i of dz[e, c]                              out [nodes, width]
//     ARRIVING out[j, c] = sum over the edges e that arrive at j of dz[e, c]                          out [nodes, width]
//     TERMS    out[j, c, a] = sum over the edges e that arrive at j of dz[e, c] (p_source - p_j)[a]   out [nodes, width, DIMENSIONS]
//
// TERMS implies ARRIVING. A thread a node and channel; edges in their order.
//! include message.wgsl

struct Parameters { nodes: u32, edges: u32, width: u32, weight_stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<f32>;
@group(0) @binding(4) var<storage, read> graph: array<u32>;
@group(0) @binding(5) var<storage, read> norm_weight: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read> moments: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> out: array<f32>;

fn edge_gradient(edge: u32, source: u32, target_node: u32, channel: u32) -> f32 {
  let m = moments[edge];
  let z = before_gelu(source, target_node, channel);
  let degree = f32(graph[target_node + 1] - graph[target_node]);
  let dn = norm_weight[channel] * dout[target_node * parameters.width + channel] / degree;
  return m.y * (dn - m.z - (gelu(z) - m.x) * m.y * m.w) * gelu_slope(z);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 64 + thread;
  if (item >= parameters.nodes * parameters.width) { return; }
  let node = item / parameters.width;
  let channel = item % parameters.width;
  let sources = parameters.nodes + 1 + 2 * parameters.edges;
  let starts = select(sources, 0u, ARRIVING == 1);
  var sum = vec4f(0);
  for (var e = graph[starts + node]; e < graph[starts + node + 1]; e++) {
//! if ARRIVING
    let source = edge_source(e);
    let value = edge_gradient(e, source, node, channel);
//! if TERMS
//! repeat a DIMENSIONS
    sum[$a] = fma(value, positions[source * DIMENSIONS + $a] - positions[node * DIMENSIONS + $a], sum[$a]);
//! end
//! else
    sum.x += value;
//! end
//! else
    let edge = graph[sources + parameters.nodes + 1 + e];
    sum.x += edge_gradient(edge, node, edge_target(edge), channel);
//! end
  }
//! if TERMS
//! repeat a DIMENSIONS
  out[item * DIMENSIONS + $a] = sum[$a];
//! end
//! else
  out[item] = sum.x;
//! end
}
