// The gated hidden layer of a block's feed-forward part, including the normalisation:
//
//     y = RMSNorm(x; norm)                                         x [rows, width]
//     hidden = (y W2^T + b2) * SiLU(y W1^T + b1)                   W1, W2 [hidden_width, width], hidden [rows, hidden_width]
//
// With HALF, hidden is stored in half precision: linear.wgsl, which reads it next, would round it anyway.
//! include gated_product.wgsl x
//! include vec4_read.wgsl x norm
//! include vec4_write.wgsl hidden

@group(0) @binding(5) var<storage, read> norm: array<Stored>;
//! if HALF
alias Written = f16;
//! else
alias Written = f32;
//! end
//! if VEC4
@group(0) @binding(6) var<storage, read_write> hidden: array<vec4<Written>>;
//! else
@group(0) @binding(6) var<storage, read_write> hidden: array<Written>;
//! end

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * HALF_COLUMNS + column_in_tile;
  if (column >= parameters.hidden_width) { return; }
  let gate = low + gate_bias_vec4(column);
  let value = high + value_bias_vec4(column);
  put_hidden(row * parameters.hidden_width + column, parameters.hidden_width - column, value * gate / (1.0 + exp(-gate)));
}
