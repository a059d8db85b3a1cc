// The gradient of the messages before the GELU, added up at the nodes. With the normalised message n and
// dn = norm_weight * dout[target] / degree:
//
//     dz[e, c] = scale_e (dn - mean_c(dn) - n mean_c(dn n)) gelu'(z)
//
//     ARRIVING  out[j, c] = sum over the edges e that arrive at j of dz[e, c]                         out [nodes, width]
//               moments[e] = (mean of the message, its inverse deviation, mean_c dn, mean_c dn n)     moments [edges, 4]
//     else      out[i, c] = sum over the edges e that leave i of dz[e, c], with moments given
//
// ARRIVING also writes, from out[first_sums] on, each workgroup's contribution to the parameters' gradients, [groups, (DIMENSIONS
// + 2) width]:
//
//     sum of dz[e, c] (p_source - p_target)[a]  [width, DIMENSIONS]      sum of n dout / degree  [width]      sum of dout / degree  [width]
//! include message.wgsl
//! include vec4_read.wgsl dout
//! include workgroup.wgsl

struct Parameters { first_group: u32, nodes: u32, edges: u32, first_sums: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(6) var<storage, read> dout: array<Stored>;
//! if ARRIVING
@group(0) @binding(7) var<storage, read_write> moments: array<vec4f>;
//! else
@group(0) @binding(7) var<storage, read> moments: array<vec4f>;
//! end
@group(0) @binding(8) var<storage, read_write> out: array<f32>;

var<workgroup> edge_moments_of: array<vec4f, EDGES>;

fn put(at: u32, count: u32, values: vec4f) {
  for (var i = 0u; i < min(count, 4); i++) { out[at + i] = values[i]; }
}

//! if ARRIVING
// Adds up value number `which` over the threads that have the same channels of all nodes, in the first node's threads.
fn nodes_total(thread: u32, which: u32) -> vec4f {
  var total = vec4f(0);
  for (var i = 0u; i < NODES; i++) { total += tile[which * 64 + i * ACROSS + thread]; }
  return total;
}
//! end

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let own_group = workgroup_number(group, groups);
  let first = min(own_group * NODES, parameters.nodes);
  let row = thread / ACROSS;
  let node = min(first + row, parameters.nodes);
//! if ARRIVING
  let starts = 0u;
//! else
  let starts = parameters.nodes + 1 + 2 * parameters.edges;
//! end
  let begin = graph[starts + first];
  let end = graph[starts + min(first + NODES, parameters.nodes)];
  let own_begin = graph[starts + node];
  let own_end = graph[starts + min(node + 1, parameters.nodes)];
//! repeat o OWN
  let item_$o = thread % ACROSS + $o * 64;
  let near_$o = min(item_$o, ROW_VEC4S - 1);
  let norm_$o = norm_weight_vec4(near_$o * 4);
//! repeat a DIMENSIONS
  let direction_$o_$a = direction(near_$o, $a);
//! end
  var sum_$o = vec4f(0);
//! if ARRIVING
//! repeat a DIMENSIONS
  var offset_sum_$o_$a = vec4f(0);
//! end
  var norm_sum_$o = vec4f(0);
  var bias_sum_$o = vec4f(0);
//! end
//! end

  for (var start = begin; start < end; start += EDGES) {
    let count = min(end - start, EDGES);
    if (thread < EDGES) {
      let e = start + min(thread, count - 1);
//! if ARRIVING
      let edge = e;
//! else
      let edge = graph[starts + parameters.nodes + 1 + e];
      edge_moments_of[thread] = moments[edge];
//! end
      let target_node = edge_target(edge);
      stage(thread, edge, 1.0 / f32(graph[target_node + 1] - graph[target_node]));
    }
    workgroupBarrier();

//! repeat i EACH
    let slot_$i = row + $i * NODES;
    let place_$i = places[slot_$i];
    let offset_$i = offsets[slot_$i];
//! repeat o OWN
    var message_$i_$o = shares(place_$i, near_$o);
    var derivative_$i_$o = vec4f(0);
//! end
//! end
//! repeat i EACH
    if ($i * NODES < count && row < NODES) {
//! repeat o OWN
//! repeat a DIMENSIONS
      message_$i_$o = fma(direction_$o_$a, vec4f(offset_$i[$a]), message_$i_$o);
//! end
      let gelu_$o = gelu_and_derivative(message_$i_$o);
      message_$i_$o = gelu_$o.value;
      derivative_$i_$o = gelu_$o.derivative;
//! if ARRIVING
      put_tile(slot_$i, item_$o, message_$i_$o);
//! end
//! end
    }
//! end

//! if ARRIVING
    workgroupBarrier();
    let edge = thread / LANES;
    let normal = edge_moments(thread);
    let place = places[min(edge, EDGES - 1)];
    let share = offsets[min(edge, EDGES - 1)].w;
    var sums = vec2f(0);
    for (var item = thread % LANES; item < ROW_VEC4S; item += LANES) {
      let dn = existing(item, norm_weight_vec4(item * 4) * dout_vec4(place.y * WIDTH + item * 4) * share);
      let n = (tile[edge * TILE_STRIDE + item] - normal.x) * normal.y;
      sums += vec2f(total_of_vec4(dn), total_of_vec4(dn * n));
    }
    let found = vec4f(normal, edge_total(thread, sums) / f32(WIDTH));
    if (thread % LANES == 0 && edge < EDGES) {
      edge_moments_of[edge] = found;
      if (edge < count) { moments[start + edge] = found; }
    }
    workgroupBarrier();
//! end

//! repeat i EACH
    if ($i * NODES < count && row < NODES) {
      let own = edge_moments_of[slot_$i];
      let exists = select(0.0, 1.0, slot_$i < count);
//! repeat o OWN
      let g_$o = existing(item_$o, dout_vec4(place_$i.y * WIDTH + near_$o * 4)) * (offset_$i.w * exists);
      let n_$o = (message_$i_$o - own.x) * own.y;
      let dz_$o = own.y * (norm_$o * g_$o - own.z - n_$o * own.w) * derivative_$i_$o * exists;
      put_tile(slot_$i, item_$o, dz_$o);
//! if ARRIVING
//! repeat a DIMENSIONS
      offset_sum_$o_$a = fma(dz_$o, vec4f(offset_$i[$a]), offset_sum_$o_$a);
//! end
      norm_sum_$o = fma(n_$o, g_$o, norm_sum_$o);
      bias_sum_$o += g_$o;
//! end
//! end
    }
//! end
    workgroupBarrier();
    let own_last = min(own_end, start + count);
    for (var e = max(own_begin, start); e < own_last; e++) {
//! repeat o OWN
      sum_$o += tile[(e - start) * TILE_STRIDE + near_$o];
//! end
    }
  }

  if (row < NODES && node < parameters.nodes) {
//! repeat o OWN
    if (item_$o < ROW_VEC4S) { put(node * WIDTH + item_$o * 4, WIDTH - item_$o * 4, sum_$o); }
//! end
  }
//! if ARRIVING
  let sums = parameters.first_sums + own_group * (DIMENSIONS + 2) * WIDTH;
//! repeat o OWN
  workgroupBarrier();
//! repeat a DIMENSIONS
  tile[$a * 64 + thread] = offset_sum_$o_$a;
//! end
  tile[DIMENSIONS * 64 + thread] = norm_sum_$o;
  tile[(DIMENSIONS + 1) * 64 + thread] = bias_sum_$o;
  workgroupBarrier();
  if (row == 0 && item_$o < ROW_VEC4S && own_group * NODES < parameters.nodes) {
    let count = min(WIDTH - item_$o * 4, 4);
//! repeat a DIMENSIONS
    let total_$o_$a = nodes_total(thread, $a);
    for (var i = 0u; i < count; i++) { out[sums + (item_$o * 4 + i) * DIMENSIONS + $a] = total_$o_$a[i]; }
//! end
    put(sums + DIMENSIONS * WIDTH + item_$o * 4, count, nodes_total(thread, DIMENSIONS));
    put(sums + (DIMENSIONS + 1) * WIDTH + item_$o * 4, count, nodes_total(thread, DIMENSIONS + 1));
  }
//! end
//! end
}
