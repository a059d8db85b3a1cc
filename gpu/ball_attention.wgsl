// Multi-head self-attention within balls: every point attends to the points of its ball, more to nearer ones (sigma < 0):
//
//     score(i, j) = q_i . k_j / sqrt(E) + sigma_h |p_i - p_j|
//     out_i = sum_j softmax_j(score(i, j)) v_j
//
//     qkv [rows, 3 H E] (q, k, v one after the other, each h, e)   positions [rows, DIMENSIONS]   sigma [H]
//     balls [ball_count, 2] first row and size of each             out [rows, H E]
//     log_sum [rows, H] = log2 of the softmax's denominator, for the backward pass
//
// A workgroup computes one (ball, head, block of THREADS * QUERIES queries); keys pass through workgroup memory in tiles of KEYS,
// STEP at a time. HEAD_VEC4S = ceil(E / 4): a head whose width is not a multiple of four is padded with zeros, which change
// neither products nor sums.
//
// The exponentials are taken of the scores minus a reference, which begins as the query's score with its own key, so the
// denominator never falls far below 1. Only when a score exceeds the reference by more than HEADROOM, long before the sums can
// overflow, is the reference raised and the sums so far rescaled: an online softmax (Milakov and Gimelshein 2018) that rescales
// rarely.
//! include ball_head.wgsl
//! include ball_keys.wgsl
//! include vec4_write.wgsl out

@group(0) @binding(5) var<storage, read_write> out: array<Stored>;
@group(0) @binding(6) var<storage, read_write> log_sum: array<f32>;

alias Written = f32;

const HEADROOM: f32 = 64;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = block_of(workgroup_number(group, groups), THREADS * QUERIES);
  if (block.begin >= block.size) { return; }
  let size = block.size;
  let head = block.head;

  let scale = inverseSqrt(f32(parameters.head_width)) * LOG2_E;
  let scaled_sigma = sigma[head] * LOG2_E;
//! repeat q QUERIES
  let query_row_$q = block.first + min(block.begin + $q * THREADS + thread, size - 1);
  let query_position_$q = position_of(query_row_$q, 0);
  var reference_$q = 0.0;
  var denominator_$q = 0.0;
//! repeat i HEAD_VEC4S
  let query_$q_$i = head_vec4(query_row_$q, head, 0, $i) * scale;
  reference_$q = add_product(reference_$q, query_$q_$i, head_vec4(query_row_$q, head, 1, $i));
  var sum_$q_$i = vec4f(0);
//! end
//! end

  for (var start = 0u; start < size; start += KEYS) {
    load_keys(block, start, thread);
    workgroupBarrier();

    let steps = (min(KEYS, size - start) + STEP - 1) / STEP;
    for (var step = 0u; step < steps; step++) {
//! repeat q QUERIES
      var max_$q = HEADROOM;
//! end
//! repeat j STEP
      let position_$j = key_positions[step][$j];
//! repeat q QUERIES
      var score_$q_$j = fma(scaled_sigma, distance_between(query_position_$q, position_$j), -reference_$q);
//! end
//! repeat i HEAD_VEC4S
      {
        let key = keys[step][$j * HEAD_VEC4S + $i];
//! repeat q QUERIES
        score_$q_$j = add_product(score_$q_$j, query_$q_$i, key);
//! end
      }
//! end
//! repeat q QUERIES
      max_$q = max(max_$q, score_$q_$j);
//! end
//! end

      var largest = HEADROOM;
//! repeat q QUERIES
      largest = max(largest, max_$q);
//! end
      if (largest > HEADROOM) {
//! repeat q QUERIES
        {
          let raise = select(0.0, max_$q, max_$q > HEADROOM);
          let shrink = exp2(-raise);
          reference_$q += raise;
          denominator_$q *= shrink;
//! repeat i HEAD_VEC4S
          sum_$q_$i *= shrink;
//! end
//! repeat j STEP
          score_$q_$j -= raise;
//! end
        }
//! end
      }

//! repeat j STEP
//! repeat q QUERIES
      let weight_$q_$j = exp2(score_$q_$j);
      denominator_$q = fma(weight_$q_$j, position_$j.w, denominator_$q);
//! end
//! repeat i HEAD_VEC4S
      {
        let value = values[step][$j * HEAD_VEC4S + $i];
//! repeat q QUERIES
        sum_$q_$i = fma(vec4f(weight_$q_$j), value, sum_$q_$i);
//! end
      }
//! end
//! end
    }
    workgroupBarrier();
  }

  let width = parameters.heads * parameters.head_width;
//! repeat q QUERIES
  if (block.begin + $q * THREADS + thread < size) {
    let share = 1.0 / denominator_$q;
    log_sum[query_row_$q * parameters.heads + head] = reference_$q + log2(denominator_$q);
//! repeat i HEAD_VEC4S
    put_out(query_row_$q * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4, sum_$q_$i * share);
//! end
  }
//! end
}
