// The feed-forward part of a block of 32 channels in one kernel: the hidden layer never leaves workgroup memory.
//
//     n = RMSNorm(x; norm)                                                       x, y [rows, WIDTH]
//     y = x + W3 ((W2 n + b2) * SiLU(W1 n + b1)) + b3                            W1, W2 [hidden_width, WIDTH]
//
// With ATTENDED it first adds the output map of attention to x, as linear.wgsl with a residual and a scatter does, and takes the sum
// for x:
//
//     x[to(i)] += attended[i] W^T + b                                            attended [rows, WIDTH], W [WIDTH, WIDTH]
//
// A workgroup computes ROWS rows of y, and for them 32 columns of the hidden layer at a time: with the weights that belong to them,
// 16 inner positions at a time, it computes gate and value, and multiplies their product by its part of W3. Every sum runs in the
// order of norm_swiglu.wgsl and linear.wgsl, so it has the same bits. `weights` is feed_forward_weights.wgsl's, all of it vec4s:
// consecutive threads read consecutive ones, and nothing has to be transposed. hidden_width is a multiple of 32.
//! include rms_epsilon.wgsl
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, hidden_width: u32, scatter: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
//! if ATTENDED
@group(0) @binding(4) var<storage, read> attended: array<vec4f>;
@group(0) @binding(5) var<storage, read> weight: array<vec4f>;
@group(0) @binding(6) var<storage, read> bias: array<vec4f>;
@group(0) @binding(7) var<storage, read> row_index: array<u32>;
//! end

// Tiles are indexed by an inner position and a vec4 of rows / columns, x_tile by 16 inner positions first.
var<workgroup> x_tile: array<array<array<vec4f, ROWS / 4>, 16>, WIDTH / 16>;
var<workgroup> hidden_tile: array<array<vec4f, ROWS / 4>, 16>;
// W1's columns, then W2's; or W3's.
var<workgroup> weight_tile: array<array<vec4f, 16>, 16>;

// The row of x and y that belongs to a row of attended.
fn target_row(row: u32) -> u32 {
//! if ATTENDED
  if (parameters.scatter == 1) { return row_index[row]; }
//! end
  return row;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first_row = workgroup_number(group, groups) * ROWS;
  if (first_row >= parameters.rows) { return; }
  let hidden_vec4s = parameters.hidden_width / 4;
  // Where the parts of `weights` begin.
  let output_weights = hidden_vec4s * WIDTH * 2;
  let gate_biases = output_weights + hidden_vec4s * WIDTH;
  let value_biases = gate_biases + hidden_vec4s;
  let output_biases = value_biases + hidden_vec4s;

  // What a thread loads: 4 of each 16 inner positions of four rows. As in product_registers.wgsl, some remainders only tell compilers
  // that indices are in bounds.
  let warp = thread / 32 % 2;
  let row_vec4 = thread % 8 + warp * 8;
  let inner = thread / 8 % 4 * 4;
//! repeat i 4
  let from_$i = min(first_row + row_vec4 * 4 + $i, parameters.rows - 1) * 8 + inner / 4;
//! end
//! repeat s 2
  {
//! repeat i 4
//! if ATTENDED
    let loaded_$i = attended[from_$i + $s * 4];
//! else
    let loaded_$i = x[from_$i + $s * 4];
//! end
//! end
//! repeat i 4
    x_tile[$s][inner + $i][row_vec4] = vec4f(loaded_0[$i], loaded_1[$i], loaded_2[$i], loaded_3[$i]);
//! end
  }
//! end

  // The position of the thread's sums, in vec4s, as in product_registers.wgsl.
  let own_row = (thread >> 1) % 4 + warp * 4;
  let own_column = thread % 2 + (thread >> 3) % 4 * 2;
//! repeat r 2
//! repeat i 4
  var sum_@4*$r+$i@ = vec4f(0);
  let target_@4*$r+$i@ = target_row(min(first_row + ($r * 8 + own_row) * 4 + $i, parameters.rows - 1)) * 8 + own_column;
//! end
//! end

//! if ATTENDED
//! repeat s 2
  {
    // Each thread transposes eight elements of a column of W.
//! repeat i 2
    let loaded_$i = weight[thread % 32 * 8 + $s * 4 + warp * 2 + $i];
//! end
    workgroupBarrier();
//! repeat i 2
//! repeat c 4
    weight_tile[warp * 8 + $i * 4 + $c][thread % 32 / 4][thread % 4] = loaded_$i[$c];
//! end
//! end
    workgroupBarrier();
//! repeat k 16
    {
      let columns = weight_tile[$k][own_column];
//! repeat r 2
      let rows_$r = x_tile[$s][$k][$r * 8 + own_row];
//! repeat i 4
      sum_@4*$r+$i@ = fma(vec4f(rows_$r[$i]), columns, sum_@4*$r+$i@);
//! end
//! end
    }
//! end
  }
//! end
  let output_bias = bias[own_column];
//! repeat r 2
//! repeat i 4
  sum_@4*$r+$i@ = sum_@4*$r+$i@ + output_bias + x[target_@4*$r+$i@];
//! end
//! end
  workgroupBarrier();
//! repeat r 2
//! repeat i 4
  x_tile[own_column / 4][own_column % 4 * 4 + $i][$r * 8 + own_row] = vec4f(sum_@4*$r@[$i], sum_@4*$r+1@[$i], sum_@4*$r+2@[$i], sum_@4*$r+3@[$i]);
//! end
//! end
//! repeat r 2
//! repeat i 4
  sum_@4*$r+$i@ = vec4f(0);
//! end
//! end
//! end
  workgroupBarrier();

  // The squares of x's elements are added up as in product_registers.wgsl: by four threads a row, each for a quarter of each step.
  var squares = vec4f(0);
//! repeat s 2
//! repeat i 4
  squares = fma(x_tile[$s][inner + $i][row_vec4], x_tile[$s][inner + $i][row_vec4], squares);
//! end
//! end
  hidden_tile[inner / 4][row_vec4] = squares;
  workgroupBarrier();
//! repeat r 2
  let squares_$r = hidden_tile[0][$r * 8 + own_row] + hidden_tile[1][$r * 8 + own_row] + hidden_tile[2][$r * 8 + own_row] + hidden_tile[3][$r * 8 + own_row];
  let scales_$r = 1.0 / sqrt(squares_$r / f32(WIDTH) + RMS_EPSILON);
//! end
  for (var first_hidden = 0u; first_hidden < parameters.hidden_width; first_hidden += 32) {
//! repeat r 2
//! repeat i 4
    var gate_@4*$r+$i@ = vec4f(0);
    var value_@4*$r+$i@ = vec4f(0);
//! end
//! end
    for (var step = 0u; step < 2; step++) {
      let from_weights = first_hidden * 16 + step * 256 + thread;
//! repeat i 4
      let loaded_$i = weights[from_weights + $i * 64];
//! end
      // The previous step's tiles have been read.
      workgroupBarrier();
//! repeat i 4
      weight_tile[thread / 16 % 4 + $i * 4][thread % 16] = loaded_$i;
//! end
      workgroupBarrier();
//! repeat k 16
      {
        let gates = weight_tile[$k][own_column];
        let values = weight_tile[$k][8 + own_column];
//! repeat r 2
        let rows_$r = x_tile[step][$k][$r * 8 + own_row];
//! repeat i 4
        gate_@4*$r+$i@ = fma(vec4f(rows_$r[$i]), gates, gate_@4*$r+$i@);
        value_@4*$r+$i@ = fma(vec4f(rows_$r[$i]), values, value_@4*$r+$i@);
//! end
//! end
      }
//! end
    }

    let gate_bias = weights[gate_biases + first_hidden / 4 + own_column];
    let value_bias = weights[value_biases + first_hidden / 4 + own_column];
//! repeat r 2
//! repeat i 4
    {
      let gate = gate_@4*$r+$i@ * scales_$r[$i] + gate_bias;
      let value = value_@4*$r+$i@ * scales_$r[$i] + value_bias;
      value_@4*$r+$i@ = value * gate / (1.0 + exp(-gate));
    }
//! end
//! end

    // W3's part for 16 of the 32 columns at a time, which half of the threads have.
//! repeat half 2
    {
      let from_weights = output_weights + (first_hidden + $half * 16) * 8 + thread;
//! repeat i 2
      let loaded_$i = weights[from_weights + $i * 64];
//! end
      workgroupBarrier();
//! repeat i 2
      weight_tile[thread / 8 % 8 + $i * 8][thread % 8] = loaded_$i;
//! end
      if (own_column / 4 == $half) {
//! repeat r 2
//! repeat i 4
        hidden_tile[own_column % 4 * 4 + $i][$r * 8 + own_row] = vec4f(value_@4*$r@[$i], value_@4*$r+1@[$i], value_@4*$r+2@[$i], value_@4*$r+3@[$i]);
//! end
//! end
      }
      workgroupBarrier();
//! repeat k 16
      {
//! repeat r 2
        let rows_$r = hidden_tile[$k][$r * 8 + own_row];
//! end
        let columns = weight_tile[$k][own_column];
//! repeat r 2
//! repeat i 4
        sum_@4*$r+$i@ = fma(vec4f(rows_$r[$i]), columns, sum_@4*$r+$i@);
//! end
//! end
      }
//! end
    }
//! end
  }

  let last_bias = weights[output_biases + own_column];
//! repeat r 2
//! repeat c 4
  let x_@4*$r+$c@ = x_tile[own_column / 4][own_column % 4 * 4 + $c][$r * 8 + own_row];
//! end
//! repeat i 4
  if (first_row + ($r * 8 + own_row) * 4 + $i < parameters.rows) {
    y[target_@4*$r+$i@] = sum_@4*$r+$i@ + last_bias + vec4f(x_@4*$r@[$i], x_@4*$r+1@[$i], x_@4*$r+2@[$i], x_@4*$r+3@[$i]);
  }
//! end
//! end
}
