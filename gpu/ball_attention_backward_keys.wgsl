// The backward pass of ball attention for keys and values (ball_attention_backward_queries.wgsl defines the names):
//
//     dv_j = sum_i p_ij dout_i                            last third of dqkv [rows, 3 H E]
//     dk_j = sum_i dscore_ij q_i / sqrt(E)                second third
//
// It also writes delta_i to dqkv, in the place of the first element of each head of dq_i, from where the kernel of the queries reads it.
//
// Each thread computes QUERIES keys; queries pass through workgroup memory in tiles of KEYS, STEP at a time. Beyond the ball's
// end the last query is repeated with a gradient of zero.
//! include ball_head.wgsl
//! include vec4_read.wgsl dout out
//! include vec4_write.wgsl dqkv

@group(0) @binding(5) var<storage, read> log_sum: array<f32>;
@group(0) @binding(6) var<storage, read> dout: array<Stored>;
@group(0) @binding(7) var<storage, read> out: array<Stored>;
@group(0) @binding(8) var<storage, read_write> dqkv: array<Stored>;

alias Written = f32;

// The arrays are two-dimensional as in ball_keys.wgsl. The fourth element of a position is the query's log_sum.
var<workgroup> queries: array<array<vec4f, STEP * HEAD_VEC4S>, KEYS / STEP>;
var<workgroup> douts: array<array<vec4f, STEP * HEAD_VEC4S>, KEYS / STEP>;
var<workgroup> query_positions: array<array<vec4f, STEP>, KEYS / STEP>;
var<workgroup> deltas: array<array<f32, STEP>, KEYS / STEP>;

// Loads the ball's queries from index `start` on into the tile.
fn load_queries(block: Block, start: u32, thread: u32) {
  let last = block.size - 1;
  let scale = inverseSqrt(f32(parameters.head_width)) * LOG2_E;
//! repeat f FETCHES
  let item_$f = $f * THREADS + thread;
  let row_$f = block.first + min(start + item_$f / HEAD_VEC4S, last);
  let query_$f = head_vec4(row_$f, block.head, 0, item_$f % HEAD_VEC4S) * scale;
  let dout_$f = dout_some(
    (row_$f * parameters.heads + block.head) * parameters.head_width + item_$f % HEAD_VEC4S * 4,
    parameters.head_width - item_$f % HEAD_VEC4S * 4);
//! end
  let row = block.first + min(start + thread, last);
  let position = position_of(row, log_sum[row * parameters.heads + block.head]);
  let first = (row * parameters.heads + block.head) * parameters.head_width;
  var delta = 0.0;
//! repeat i HEAD_VEC4S
  delta += dot(
    dout_some(first + $i * 4, parameters.head_width - $i * 4), out_some(first + $i * 4, parameters.head_width - $i * 4));
//! end
//! repeat f FETCHES
  if (item_$f < KEYS * HEAD_VEC4S) {
    let step = item_$f / (STEP * HEAD_VEC4S);
    let place = item_$f % (STEP * HEAD_VEC4S);
    queries[step][place] = query_$f;
    douts[step][place] = select(vec4f(0), dout_$f, start + item_$f / HEAD_VEC4S < block.size);
  }
//! end
  if (thread < KEYS) {
    query_positions[thread / STEP][thread % STEP] = position;
    deltas[thread / STEP][thread % STEP] = select(0.0, delta, start + thread < block.size);
    // The blocks of one ball all see its queries.
    if (block.begin == 0 && start + thread < block.size) {
      put_dqkv((3 * row * parameters.heads + block.head) * parameters.head_width, 1, vec4f(delta));
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let block = block_of(workgroup_number(group, groups), THREADS * QUERIES);
  if (block.begin >= block.size) { return; }
  let size = block.size;
  let head = block.head;

  let width = parameters.heads * parameters.head_width;
  let scaled_sigma = sigma[head] * LOG2_E;
//! repeat k QUERIES
  let row_$k = block.first + min(block.begin + $k * THREADS + thread, size - 1);
  let position_$k = position_of(row_$k, 0);
//! repeat i HEAD_VEC4S
  let key_$k_$i = head_vec4(row_$k, head, 1, $i);
  let value_$k_$i = head_vec4(row_$k, head, 2, $i);
  var dkey_$k_$i = vec4f(0);
  var dvalue_$k_$i = vec4f(0);
//! end
//! end

  for (var start = 0u; start < size; start += KEYS) {
    load_queries(block, start, thread);
    workgroupBarrier();

    let steps = (min(KEYS, size - start) + STEP - 1) / STEP;
    for (var step = 0u; step < steps; step++) {
//! repeat j STEP
      {
        let query_position = query_positions[step][$j];
        let query_delta = deltas[step][$j];
//! repeat k QUERIES
        var score_$k = fma(scaled_sigma, distance_between(position_$k, query_position), -query_position.w);
        var dweight_$k = -query_delta;
//! end
//! repeat i HEAD_VEC4S
        let query_$i = queries[step][$j * HEAD_VEC4S + $i];
        let dout_$i = douts[step][$j * HEAD_VEC4S + $i];
//! repeat k QUERIES
        score_$k = add_product(score_$k, query_$i, key_$k_$i);
        dweight_$k = add_product(dweight_$k, dout_$i, value_$k_$i);
//! end
//! end
//! repeat k QUERIES
        let weight_$k = exp2(score_$k);
        let dscore_$k = weight_$k * dweight_$k;
//! repeat i HEAD_VEC4S
        dkey_$k_$i = fma(vec4f(dscore_$k), query_$i, dkey_$k_$i);
        dvalue_$k_$i = fma(vec4f(weight_$k), dout_$i, dvalue_$k_$i);
//! end
//! end
      }
//! end
    }
    workgroupBarrier();
  }

//! repeat k QUERIES
  if (block.begin + $k * THREADS + thread < size) {
//! repeat i HEAD_VEC4S
    {
      let at = row_$k * 3 * width + width + head * parameters.head_width + $i * 4;
      // The tile's queries were multiplied by LOG2_E.
      put_dqkv(at, parameters.head_width - $i * 4, dkey_$k_$i * LN_2);
      put_dqkv(at + width, parameters.head_width - $i * 4, dvalue_$k_$i);
    }
//! end
  }
//! end
}
