// The gated hidden layer of a block's feed-forward part, including the normalisation:
//
//     y = RMSNorm(x; norm)                                         x [rows, width]
//     hidden = (y W2^T + b2) * SiLU(y W1^T + b1)                   W1, W2 [hidden_width, width], hidden [rows, hidden_width]
//
// With HALF, hidden is stored in half precision: linear.wgsl, which reads it next, would round it anyway.
//
// The first half of a tile's columns are rows of W1, the second half the same rows of W2, so that gate and value meet in one
// thread.
//! include product.wgsl
//! include vec4_read.wgsl x norm gate_weight gate_bias value_weight value_bias
//! include vec4_write.wgsl hidden

struct Parameters { rows: u32, width: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> norm: array<Stored>;
@group(0) @binding(3) var<storage, read> gate_weight: array<Stored>;
@group(0) @binding(4) var<storage, read> gate_bias: array<Stored>;
@group(0) @binding(5) var<storage, read> value_weight: array<Stored>;
@group(0) @binding(6) var<storage, read> value_bias: array<Stored>;
//! if HALF
alias Written = f16;
//! else
alias Written = f32;
//! end
//! if VEC4
@group(0) @binding(7) var<storage, read_write> hidden: array<vec4<Written>>;
//! else
@group(0) @binding(7) var<storage, read_write> hidden: array<Written>;
//! end

// Every tile computes HALF_COLUMNS columns of the hidden layer: the width is rounded up to whole tiles.
fn product_size() -> vec4u {
  return vec4u(parameters.rows, (parameters.hidden_width + HALF_COLUMNS - 1) / HALF_COLUMNS * TILE_COLUMNS, parameters.width, parameters.width);
}

fn left_start(row: u32) -> u32 { return row * parameters.width; }
fn left(start: u32, inner: u32) -> vec4f { return x_vec4(start + inner); }

fn right_start(tile: u32, column_in_tile: u32) -> u32 {
  return min(tile * HALF_COLUMNS + column_in_tile % HALF_COLUMNS, parameters.hidden_width - 1) * parameters.width;
}

fn right(start: u32, column_in_tile: u32, inner: u32) -> vec4f {
  if (column_in_tile < HALF_COLUMNS) { return gate_weight_vec4(start + inner); }
  return value_weight_vec4(start + inner);
}

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * HALF_COLUMNS + column_in_tile;
  if (column >= parameters.hidden_width) { return; }
  let gate = low + gate_bias_vec4(column);
  let value = high + value_bias_vec4(column);
  put_hidden(row * parameters.hidden_width + column, parameters.hidden_width - column, value * gate / (1.0 + exp(-gate)));
}
