// The mean of the normalised messages that arrive at each node:
//
//     out[j, c] = norm_weight[c] * mean over edges e into j of (message(e, c) - mean_e) * scale_e + norm_bias[c]
//
// with mean_e and scale_e = 1 / sqrt(variance_e + 1e-5) over the channels, and 0 where no edge arrives. Only the first `targets`
// nodes are computed: out [targets, width].
//! include message.wgsl
//! include vec4_read.wgsl norm_bias
//! include vec4_write.wgsl out
//! include workgroup.wgsl

struct Parameters { first_group: u32, nodes: u32, edges: u32, targets: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(6) var<storage, read> norm_bias: array<Stored>;
@group(0) @binding(7) var<storage, read_write> out: array<Stored>;

alias Written = f32;
var<workgroup> moments: array<vec2f, EDGES>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = min(workgroup_number(group, groups) * NODES, parameters.targets);
  let begin = graph[first];
  let end = graph[min(first + NODES, parameters.targets)];
  let row = thread / ACROSS;
  let node = min(first + row, parameters.targets);
  let own_begin = graph[node];
  let own_end = graph[min(node + 1, parameters.targets)];
//! repeat o OWN
  let item_$o = thread % ACROSS + $o * 64;
  let near_$o = min(item_$o, ROW_VEC4S - 1);
//! repeat a DIMENSIONS
  let direction_$o_$a = direction(near_$o, $a);
//! end
  var sum_$o = vec4f(0);
//! end

  for (var start = begin; start < end; start += EDGES) {
    let count = min(end - start, EDGES);
    if (thread < EDGES) { stage(thread, start + min(thread, count - 1), 0); }
    workgroupBarrier();
//! repeat i EACH
    let slot_$i = row + $i * NODES;
    let place_$i = places[slot_$i];
//! repeat o OWN
    var message_$i_$o = shares(place_$i, near_$o);
//! end
//! end
//! repeat i EACH
    if ($i * NODES < count && row < NODES) {
      let offset = offsets[slot_$i];
//! repeat o OWN
//! repeat a DIMENSIONS
      message_$i_$o = fma(direction_$o_$a, vec4f(offset[$a]), message_$i_$o);
//! end
      put_tile(slot_$i, item_$o, gelu(message_$i_$o));
//! end
    }
//! end
    workgroupBarrier();
    let own = edge_moments(thread);
    if (thread % LANES == 0 && thread / LANES < EDGES) { moments[thread / LANES] = own; }
    workgroupBarrier();
    let own_last = min(own_end, start + count);
    for (var e = max(own_begin, start); e < own_last; e++) {
      let edge = moments[e - start];
//! repeat o OWN
      sum_$o = fma(tile[(e - start) * TILE_STRIDE + near_$o] - edge.x, vec4f(edge.y), sum_$o);
//! end
    }
  }

  if (row >= NODES || node >= parameters.targets) { return; }
//! repeat o OWN
  if (item_$o < ROW_VEC4S) {
    var mean = vec4f(0);
    if (own_end > own_begin) {
      mean = fma(norm_weight_vec4(item_$o * 4), sum_$o / f32(own_end - own_begin), norm_bias_vec4(item_$o * 4));
    }
    put_out(node * WIDTH + item_$o * 4, WIDTH - item_$o * 4, mean);
  }
//! end
}
