// What an edge's LayerNorm needs for its backward. With n the normalised message and dn = norm_weight * dout[target] / degree:
//
//     moments[e] = (mean of the message, its inverse deviation, mean_c dn, mean_c dn n)            moments [edges, 4]
//
// Eight threads an edge, as in message_statistics.wgsl.
//! include message.wgsl

struct Parameters { nodes: u32, edges: u32, width: u32, weight_stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<f32>;
@group(0) @binding(4) var<storage, read> graph: array<u32>;
@group(0) @binding(5) var<storage, read> norm_weight: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<f32>;
@group(0) @binding(7) var<storage, read_write> moments: array<vec4f>;

const LAYER_EPSILON: f32 = 1e-5;
const OWN: u32 = (WIDTH + 7) / 8;
var<workgroup> partial: array<vec2f, 64>;

fn edge_total(edge_in_group: u32) -> vec2f {
  var total = vec2f(0);
  for (var i = 0u; i < 8; i++) { total += partial[edge_in_group * 8 + i]; }
  return total;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let edge = min(wanted, parameters.edges - 1);
  let source = edge_source(edge);
  let target_node = edge_target(edge);
  let degree = f32(graph[target_node + 1] - graph[target_node]);
  let lane = thread % 8;
  let width = f32(WIDTH);
  var own: array<f32, OWN>;
  var sum = 0.0;
  for (var i = 0u; i < OWN; i++) {
    let channel = i * 8 + lane;
    if (channel < WIDTH) {
      own[i] = message(source, target_node, channel);
      sum += own[i];
    }
  }
  partial[thread] = vec2f(sum, 0);
  workgroupBarrier();
  let mean = edge_total(thread / 8).x / width;
  workgroupBarrier();
  var squares = 0.0;
  for (var i = 0u; i < OWN; i++) {
    if (i * 8 + lane < WIDTH) { squares = fma(own[i] - mean, own[i] - mean, squares); }
  }
  partial[thread] = vec2f(squares, 0);
  workgroupBarrier();
  let scale = 1.0 / sqrt(edge_total(thread / 8).x / width + LAYER_EPSILON);
  workgroupBarrier();
  var sums = vec2f(0);
  for (var i = 0u; i < OWN; i++) {
    let channel = i * 8 + lane;
    if (channel < WIDTH) {
      let dn = norm_weight[channel] * dout[target_node * WIDTH + channel] / degree;
      sums += vec2f(dn, dn * (own[i] - mean) * scale);
    }
  }
  partial[thread] = sums;
  workgroupBarrier();
  let means = edge_total(thread / 8) / width;
  if (lane == 0 && wanted < parameters.edges) { moments[wanted] = vec4f(mean, scale, means); }
}
