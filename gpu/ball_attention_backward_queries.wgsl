// The backward pass of ball attention for queries and sigma. With the softmax's weights p_ij and delta_i = dout_i . out_i:
//
//     dscore_ij = p_ij (dout_i . v_j - delta_i)
//     dq_i = sum_j dscore_ij k_j / sqrt(E)                        first third of dqkv [rows, 3 H E]
//     sums[block, h] = sum_ij dscore_ij |p_i - p_j|               over the queries i of a block; their sum is sigma's gradient
//
// The blocks of queries of all balls are numbered ball by ball, query_blocks for each. When the kernel starts, dqkv holds delta_i
// in the place of the first element of each head of dq_i (ball_attention_backward_keys.wgsl).
// p_ij = 2^(score_ij - log_sum_i) is recomputed (Dao et al. 2022). The work is divided as in ball_attention.wgsl.
//! include ball_head.wgsl
//! include ball_keys.wgsl
//! include vec4_read.wgsl dout dqkv
//! include vec4_write.wgsl dqkv

@group(0) @binding(5) var<storage, read> log_sum: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<Stored>;
@group(0) @binding(7) var<storage, read_write> dqkv: array<Stored>;
@group(0) @binding(8) var<storage, read_write> sums: array<f32>;

alias Written = f32;

var<workgroup> sigma_terms: array<f32, THREADS * QUERIES>;

// Returns the place in `sums` of workgroup number `index`.
fn place_of_sum(index: u32) -> u32 {
  let head_blocks = parameters.heads * parameters.query_blocks;
  let block = (parameters.first_ball + index / head_blocks) * parameters.query_blocks + index % parameters.query_blocks;
  return block * parameters.heads + (index / parameters.query_blocks) % parameters.heads;
}

// Adds up the block's terms. The order does not depend on how many queries a thread has. The result is valid in the first thread.
// There is no loop whose steps differ from thread to thread: FXC, the older of Direct3D's compilers, refuses barriers beside one.
fn sum_of_terms(thread: u32) -> f32 {
  for (var count = THREADS * QUERIES / 2; count > 0; count /= 2) {
    workgroupBarrier();
//! repeat q QUERIES
    if ($q * THREADS + thread < count) { sigma_terms[$q * THREADS + thread] += sigma_terms[$q * THREADS + thread + count]; }
//! end
  }
  return sigma_terms[0];
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = workgroup_number(group, groups);
  let block = block_of(index, THREADS * QUERIES);
  if (block.begin >= block.size) {
    if (thread == 0 && index < parameters.ball_count * parameters.heads * parameters.query_blocks) {
      sums[place_of_sum(index)] = 0;
    }
    return;
  }
  let size = block.size;
  let head = block.head;

  let width = parameters.heads * parameters.head_width;
  let scale = inverseSqrt(f32(parameters.head_width));
  let scaled_sigma = sigma[head] * LOG2_E;
//! repeat q QUERIES
  let row_$q = block.first + min(block.begin + $q * THREADS + thread, size - 1);
  let position_$q = position_of(row_$q, 0);
  let log_sum_$q = log_sum[row_$q * parameters.heads + head];
  let delta_$q = dqkv_some(row_$q * 3 * width + head * parameters.head_width, 1).x;
  var sigma_term_$q = 0.0;
//! repeat i HEAD_VEC4S
  let query_$q_$i = head_vec4(row_$q, head, 0, $i) * (scale * LOG2_E);
  let dout_$q_$i = dout_some(row_$q * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4);
  var dquery_$q_$i = vec4f(0);
//! end
//! end

  for (var start = 0u; start < size; start += KEYS) {
    load_keys(block, start, thread);
    workgroupBarrier();

    let steps = (min(KEYS, size - start) + STEP - 1) / STEP;
    for (var step = 0u; step < steps; step++) {
//! repeat j STEP
      {
        let key_position = key_positions[step][$j];
//! repeat q QUERIES
        let distance_$q = distance_between(position_$q, key_position);
        var score_$q = fma(scaled_sigma, distance_$q, -log_sum_$q);
        var dweight_$q = -delta_$q;
//! end
//! repeat i HEAD_VEC4S
        let key_$i = keys[step][$j * HEAD_VEC4S + $i];
        let value_$i = values[step][$j * HEAD_VEC4S + $i];
//! repeat q QUERIES
        score_$q = add_product(score_$q, query_$q_$i, key_$i);
        dweight_$q = add_product(dweight_$q, dout_$q_$i, value_$i);
//! end
//! end
//! repeat q QUERIES
        let dscore_$q = exp2(score_$q) * dweight_$q * key_position.w;
        sigma_term_$q = fma(dscore_$q, distance_$q, sigma_term_$q);
//! repeat i HEAD_VEC4S
        dquery_$q_$i = fma(vec4f(dscore_$q), key_$i, dquery_$q_$i);
//! end
//! end
      }
//! end
    }
    workgroupBarrier();
  }

//! repeat q QUERIES
  sigma_terms[$q * THREADS + thread] = select(0.0, sigma_term_$q, block.begin + $q * THREADS + thread < size);
  if (block.begin + $q * THREADS + thread < size) {
//! repeat i HEAD_VEC4S
    put_dqkv(
      row_$q * 3 * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4, dquery_$q_$i * scale);
//! end
  }
//! end
  let sum = sum_of_terms(thread);
  if (thread == 0) { sums[place_of_sum(index)] = sum; }
}
