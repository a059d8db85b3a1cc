// The backward pass of the gated hidden layer, hidden = value * SiLU(gate), gate = y W1^T + b1, value = y W2^T + b2:
//
//     dgate = dhidden * value * s (1 + gate (1 - s)),  s = 1 / (1 + exp(-gate))
//     dvalue = dhidden * SiLU(gate)
//
//     y [rows, width] the normalised input   W1, W2 [hidden_width, width]   hidden [rows, hidden_width]
//     dgates [rows, 2 hidden_width]: a row's dgate, then its dvalue
//
// gate and value are recomputed; `hidden` holds dhidden when the kernel starts.
//! include gated_product.wgsl y
//! include vec4_read.wgsl y hidden
//! include vec4_write.wgsl hidden dgates

@group(0) @binding(5) var<storage, read_write> hidden: array<Stored>;
@group(0) @binding(6) var<storage, read_write> dgates: array<Stored>;

alias Written = f32;

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * HALF_COLUMNS + column_in_tile;
  if (column >= parameters.hidden_width) { return; }
  let at = row * parameters.hidden_width + column;
  let count = parameters.hidden_width - column;
  let gate = low + gate_bias_vec4(column);
  let value = high + value_bias_vec4(column);
  let share = 1.0 / (1.0 + exp(-gate));
  let dhidden = hidden_some(at, count);
  put_hidden(at, count, value * gate * share);
  let gates_at = at + row * parameters.hidden_width;
  put_dgates(gates_at, count, dhidden * value * share * (1.0 + gate * (1.0 - share)));
  put_dgates(gates_at + parameters.hidden_width, count, dhidden * gate * share);
}
