// Mean and inverse standard deviation of each edge's message over its channels, for its LayerNorm:
//
//     statistics[e] = (mean_c message(e, c), 1 / sqrt(variance_c message(e, c) + 1e-5))        statistics [edges, 2]
//
// Eight threads an edge; channel c belongs to thread c % 8 and stays in its registers between the two passes. WIDTH is the
// number of channels; sums are taken in a fixed order.
//! include message.wgsl

struct Parameters { nodes: u32, edges: u32, width: u32, weight_stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<f32>;
@group(0) @binding(4) var<storage, read> graph: array<u32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

const LAYER_EPSILON: f32 = 1e-5;
const OWN: u32 = (WIDTH + 7) / 8;
var<workgroup> partial: array<f32, 64>;

fn edge_total(edge_in_group: u32) -> f32 {
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += partial[edge_in_group * 8 + i]; }
  return total;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let source = edge_source(min(wanted, parameters.edges - 1));
  let target_node = edge_target(min(wanted, parameters.edges - 1));
  let lane = thread % 8;
  var own: array<f32, OWN>;
  var sum = 0.0;
  for (var i = 0u; i < OWN; i++) {
    let channel = i * 8 + lane;
    if (channel < WIDTH) {
      own[i] = message(source, target_node, channel);
      sum += own[i];
    }
  }
  partial[thread] = sum;
  workgroupBarrier();
  let mean = edge_total(thread / 8) / f32(WIDTH);
  workgroupBarrier();
  var squares = 0.0;
  for (var i = 0u; i < OWN; i++) {
    if (i * 8 + lane < WIDTH) { squares = fma(own[i] - mean, own[i] - mean, squares); }
  }
  partial[thread] = squares;
  workgroupBarrier();
  let variance = edge_total(thread / 8) / f32(WIDTH);
  if (lane == 0 && wanted < parameters.edges) { statistics[wanted] = vec2f(mean, 1.0 / sqrt(variance + LAYER_EPSILON)); }
}
