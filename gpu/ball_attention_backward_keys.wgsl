// Ball attention's backward, seen from the keys (ball_attention_backward_queries.wgsl says what the names mean):
//
//     dv_j = sum_i p_ij dout_i                            last third of dqkv [rows, 3 H E]
//     dk_j = sum_i dscore_ij q_i / sqrt(E)                second third
//
// A thread a key; queries pass in tiles of KEYS through workgroup memory.
//! include ball_block.wgsl
//! include ball_head.wgsl
//! include quads_read.wgsl dout
//! include quads_write.wgsl dqkv

@group(0) @binding(1) var<storage, read> qkv: array<Stored>;
@group(0) @binding(2) var<storage, read> positions: array<f32>;
@group(0) @binding(3) var<storage, read> sigma: array<f32>;
@group(0) @binding(4) var<storage, read> balls: array<vec2u>;
@group(0) @binding(5) var<storage, read> log_sum: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<Stored>;
@group(0) @binding(7) var<storage, read> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dqkv: array<Stored>;

alias Written = f32;

var<workgroup> queries: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> douts: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> query_positions: array<vec4f, KEYS>;
// log_sum and delta of each query
var<workgroup> query_terms: array<vec2f, KEYS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = block_of(group.y * groups.x + group.x, THREADS);
  if (block.begin >= block.size) { return; }
  let size = block.size;
  let first = block.first;
  let head = block.head;

  let width = parameters.heads * parameters.head_width;
  let scale = inverseSqrt(f32(parameters.head_width));
  let slope = sigma[head];
  let row = first + min(block.begin + thread, size - 1);
  let position = position_of(row);
//! repeat i HEAD_QUADS
  let key_$i = head_quad(row, head, 1, $i);
  let value_$i = head_quad(row, head, 2, $i);
  var dkey_$i = vec4f(0);
  var dvalue_$i = vec4f(0);
//! end

  for (var start = 0u; start < size; start += KEYS) {
    let count = min(KEYS, size - start);
    for (var item = thread; item < count * HEAD_QUADS; item += THREADS) {
      let query_row = first + start + item / HEAD_QUADS;
      queries[item] = head_quad(query_row, head, 0, item % HEAD_QUADS) * scale;
      douts[item] = dout_some(
        (query_row * parameters.heads + head) * parameters.head_width + item % HEAD_QUADS * 4,
        parameters.head_width - item % HEAD_QUADS * 4);
    }
    for (var item = thread; item < count; item += THREADS) {
      let query_row = first + start + item;
      query_positions[item] = position_of(query_row);
      query_terms[item] = vec2f(log_sum[query_row * parameters.heads + head], delta[query_row * parameters.heads + head]);
    }
    workgroupBarrier();
    for (var query = 0u; query < count; query++) {
      let between = position - query_positions[query];
      let terms = query_terms[query];
      var score = slope * sqrt(dot(between, between));
      var dweight = -terms.y;
//! repeat i HEAD_QUADS
      let query_$i = queries[query * HEAD_QUADS + $i];
      let dout_$i = douts[query * HEAD_QUADS + $i];
      score += dot(query_$i, key_$i);
      dweight += dot(dout_$i, value_$i);
//! end
      let weight = exp(score - terms.x);
      let dscore = weight * dweight;
//! repeat i HEAD_QUADS
      dkey_$i += dscore * query_$i;
      dvalue_$i += weight * dout_$i;
//! end
    }
    workgroupBarrier();
  }

  if (block.begin + thread >= size) { return; }
//! repeat i HEAD_QUADS
  {
    let at = row * 3 * width + width + head * parameters.head_width + $i * 4;
    put_dqkv(at, parameters.head_width - $i * 4, dkey_$i);
    put_dqkv(at + width, parameters.head_width - $i * 4, dvalue_$i);
  }
//! end
}
