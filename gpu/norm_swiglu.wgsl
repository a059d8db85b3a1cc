// The gated hidden layer of a block's feed-forward part, normalisation included:
//
//     y = RMSNorm(x; norm)                                         x [rows, width]
//     hidden = (y W2^T + b2) * SiLU(y W1^T + b1)                   W1, W2 [hidden_width, width], hidden [rows, hidden_width]
//
// With HALF hidden is stored in half precision: it is what linear.wgsl multiplies next, which rounds it anyway.
//
// A tile's first 32 columns are rows of W1, its last 32 the same rows of W2: gate and value meet in one thread.
//! include product.wgsl

struct Parameters { rows: u32, width: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read> gate_weight: array<f32>;
@group(0) @binding(4) var<storage, read> gate_bias: array<f32>;
@group(0) @binding(5) var<storage, read> value_weight: array<f32>;
@group(0) @binding(6) var<storage, read> value_bias: array<f32>;
//! if HALF
@group(0) @binding(7) var<storage, read_write> hidden: array<f16>;
//! else
@group(0) @binding(7) var<storage, read_write> hidden: array<f32>;
//! end

// Every tile of 64 columns makes 32 columns of the hidden layer: the width is rounded up to whole tiles.
fn product_size() -> vec4u {
  return vec4u(parameters.rows, (parameters.hidden_width + 31) / 32 * 64, parameters.width, parameters.width);
}

fn left(row: u32, inner: u32) -> f32 { return x[row * parameters.width + inner]; }

// The norm's weight belongs to the inner dimension, so it may go to the right side, which is read less often.
fn right(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  let column = min(tile * 32 + column_in_tile % 32, parameters.hidden_width - 1);
  if (column_in_tile < 32) { return gate_weight[column * parameters.width + inner] * norm[inner]; }
  return value_weight[column * parameters.width + inner] * norm[inner];
}

fn finish(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * 32 + column_in_tile;
  if (column >= parameters.hidden_width) { return; }
  for (var i = 0u; i < min(4u, parameters.hidden_width - column); i++) {
    let gate = low[i] + gate_bias[column + i];
    let value = high[i] + value_bias[column + i];
    let opened = value * gate / (1.0 + exp(-gate));
//! if HALF
    hidden[row * parameters.hidden_width + column + i] = f16(opened);
//! else
    hidden[row * parameters.hidden_width + column + i] = opened;
//! end
  }
}
