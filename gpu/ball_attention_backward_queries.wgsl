// Ball attention's backward, seen from the queries. With p_ij the softmax's weights and delta_i = dout_i . out_i:
//
//     dscore_ij = p_ij (dout_i . v_j - delta_i)
//     dq_i = sum_j dscore_ij k_j / sqrt(E)                        first third of dqkv [rows, 3 H E]
//     row_terms[i, h] = sum_j dscore_ij |p_i - p_j|               summed over the rows it is sigma's gradient
//
// row_terms [rows, H] holds delta when the kernel starts (ball_attention_delta.wgsl).
// p_ij = exp(score_ij - log_sum_i) is computed again (Dao et al. 2022). Work is divided as in ball_attention.wgsl.
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
@group(0) @binding(7) var<storage, read_write> dqkv: array<Stored>;
@group(0) @binding(8) var<storage, read_write> row_terms: array<f32>;

alias Written = f32;

var<workgroup> keys: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> values: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> key_positions: array<vec4f, KEYS>;

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
  let own_log_sum = log_sum[row * parameters.heads + head];
  let delta = row_terms[row * parameters.heads + head];
  var slope_sum = 0.0;
//! repeat i HEAD_QUADS
  let query_$i = head_quad(row, head, 0, $i) * scale;
  var dquery_$i = vec4f(0);
  let dout_$i = dout_some(row * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4);
//! end

  for (var start = 0u; start < size; start += KEYS) {
    let count = min(KEYS, size - start);
    for (var item = thread; item < count * HEAD_QUADS; item += THREADS) {
      let key_row = first + start + item / HEAD_QUADS;
      keys[item] = head_quad(key_row, head, 1, item % HEAD_QUADS);
      values[item] = head_quad(key_row, head, 2, item % HEAD_QUADS);
    }
    for (var item = thread; item < count; item += THREADS) { key_positions[item] = position_of(first + start + item); }
    workgroupBarrier();
    for (var key = 0u; key < count; key++) {
      let between = position - key_positions[key];
      let distance = sqrt(dot(between, between));
      var score = slope * distance;
      var dweight = -delta;
//! repeat i HEAD_QUADS
      let key_$i = keys[key * HEAD_QUADS + $i];
      score += dot(query_$i, key_$i);
      dweight += dot(dout_$i, values[key * HEAD_QUADS + $i]);
//! end
      let dscore = exp(score - own_log_sum) * dweight;
      slope_sum = fma(dscore, distance, slope_sum);
//! repeat i HEAD_QUADS
      dquery_$i += dscore * key_$i;
//! end
    }
    workgroupBarrier();
  }

  if (block.begin + thread >= size) { return; }
  row_terms[row * parameters.heads + head] = slope_sum;
//! repeat i HEAD_QUADS
  put_dqkv(row * 3 * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4, dquery_$i * scale);
//! end
}
