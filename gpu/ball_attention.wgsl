// Ball multi-head self-attention: every point attends to the points of its ball, nearer ones more (sigma < 0):
//
//     score(i, j) = q_i . k_j / sqrt(E) + sigma_h |p_i - p_j|
//     out_i = sum_j softmax_j(score(i, j)) v_j
//
//     qkv [rows, 3 H E] (q, k, v one after the other, each h, e)   positions [rows, DIMENSIONS]   sigma [H]
//     balls [ball_count, 2] first row and size of each             out [rows, H E]
//     log_sum [rows, H] = log of the softmax's denominator, for the backward pass
//
// A workgroup takes one (ball, head, block of THREADS * QUERIES queries); keys pass in tiles of KEYS through workgroup
// memory, four at a time, under a running softmax (Milakov and Gimelshein 2018). HEAD_QUADS = ceil(E / 4); a head whose
// width is no multiple of four is padded with zeros, which change neither products nor sums.
//! include ball_block.wgsl
//! include ball_head.wgsl
//! include quads_write.wgsl out

@group(0) @binding(1) var<storage, read> qkv: array<Stored>;
@group(0) @binding(2) var<storage, read> positions: array<f32>;
@group(0) @binding(3) var<storage, read> sigma: array<f32>;
@group(0) @binding(4) var<storage, read> balls: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> out: array<Stored>;
@group(0) @binding(6) var<storage, read_write> log_sum: array<f32>;

alias Written = f32;

// Below every score that can occur, and finite: exp(NEVER - maximum) is 0 without an infinity on the way.
const NEVER: f32 = -3.0e38;

var<workgroup> keys: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> values: array<vec4f, KEYS * HEAD_QUADS>;
var<workgroup> key_positions: array<vec4f, KEYS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = block_of(group.y * groups.x + group.x, THREADS * QUERIES);
  if (block.begin >= block.size) { return; }
  let size = block.size;
  let first = block.first;
  let head = block.head;

  let scale = inverseSqrt(f32(parameters.head_width));
  let slope = sigma[head];
//! repeat q QUERIES
  let query_row_$q = first + min(block.begin + $q * THREADS + thread, size - 1);
  let query_position_$q = position_of(query_row_$q);
  var maximum_$q = NEVER;
  var denominator_$q = 0.0;
//! repeat i HEAD_QUADS
  let query_$q_$i = head_quad(query_row_$q, head, 0, $i) * scale;
  var sum_$q_$i = vec4f(0);
//! end
//! end

  for (var start = 0u; start < size; start += KEYS) {
    let count = min(KEYS, size - start);
    for (var item = thread; item < count * HEAD_QUADS; item += THREADS) {
      let row = first + start + item / HEAD_QUADS;
      keys[item] = head_quad(row, head, 1, item % HEAD_QUADS);
      values[item] = head_quad(row, head, 2, item % HEAD_QUADS);
    }
    for (var item = thread; item < count; item += THREADS) { key_positions[item] = position_of(first + start + item); }
    workgroupBarrier();

    for (var key = 0u; key < count; key += 4) {
//! repeat j 4
      let at_$j = min(key + $j, count - 1) * HEAD_QUADS;
      let position_$j = key_positions[min(key + $j, count - 1)];
//! end
//! repeat q QUERIES
      var score_$q = vec4f(0);
//! end
//! repeat j 4
//! repeat i HEAD_QUADS
      {
        let quad = keys[at_$j + $i];
//! repeat q QUERIES
        score_$q[$j] += dot(query_$q_$i, quad);
//! end
      }
//! end
//! repeat q QUERIES
      {
        let between = query_position_$q - position_$j;
        score_$q[$j] = select(NEVER, fma(slope, sqrt(dot(between, between)), score_$q[$j]), key + $j < count);
      }
//! end
//! end
//! repeat q QUERIES
      let raised_$q = max(max(maximum_$q, max(score_$q.x, score_$q.y)), max(score_$q.z, score_$q.w));
      let shrink_$q = exp(maximum_$q - raised_$q);
      let weight_$q = exp(score_$q - raised_$q);
      maximum_$q = raised_$q;
      denominator_$q = fma(denominator_$q, shrink_$q, dot(weight_$q, vec4f(1)));
//! end
//! repeat i HEAD_QUADS
      {
        let value_0 = values[at_0 + $i];
        let value_1 = values[at_1 + $i];
        let value_2 = values[at_2 + $i];
        let value_3 = values[at_3 + $i];
//! repeat q QUERIES
        sum_$q_$i = sum_$q_$i * shrink_$q + weight_$q.x * value_0 + weight_$q.y * value_1 + weight_$q.z * value_2 + weight_$q.w * value_3;
//! end
      }
//! end
    }
    workgroupBarrier();
  }

  let width = parameters.heads * parameters.head_width;
//! repeat q QUERIES
  if (block.begin + $q * THREADS + thread < size) {
    let share = 1.0 / denominator_$q;
    log_sum[query_row_$q * parameters.heads + head] = maximum_$q + log(denominator_$q);
//! repeat i HEAD_QUADS
    put_out(query_row_$q * width + head * parameters.head_width + $i * 4, parameters.head_width - $i * 4, sum_$q_$i * share);
//! end
  }
//! end
}
