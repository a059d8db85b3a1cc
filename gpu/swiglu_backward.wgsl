// The backward pass of the gated hidden layer, hidden = value * SiLU(gate), gate = y W1^T + b1, value = y W2^T + b2:
//
//     dgate = dhidden * value * s (1 + gate (1 - s)),  s = 1 / (1 + exp(-gate))
//     dvalue = dhidden * SiLU(gate)
//
//     y [rows, width] the normalised input   W1, W2 [hidden_width, width]   hidden [rows, hidden_width]
//     dgates [rows, 2 hidden_width]: a row's dgate, then its dvalue
//
// gate and value are recomputed; `hidden` holds dhidden when the kernel starts. The tiles are those of norm_swiglu.wgsl.
//! include product.wgsl
//! include vec4_read.wgsl y gate_weight gate_bias value_weight value_bias hidden
//! include vec4_write.wgsl hidden dgates

struct Parameters { rows: u32, width: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> y: array<Stored>;
@group(0) @binding(2) var<storage, read> gate_weight: array<Stored>;
@group(0) @binding(3) var<storage, read> gate_bias: array<Stored>;
@group(0) @binding(4) var<storage, read> value_weight: array<Stored>;
@group(0) @binding(5) var<storage, read> value_bias: array<Stored>;
@group(0) @binding(6) var<storage, read_write> hidden: array<Stored>;
@group(0) @binding(7) var<storage, read_write> dgates: array<Stored>;

alias Written = f32;

fn product_size() -> vec4u {
  return vec4u(parameters.rows, (parameters.hidden_width + HALF_COLUMNS - 1) / HALF_COLUMNS * TILE_COLUMNS, parameters.width, parameters.width);
}

fn left_start(row: u32) -> u32 { return row * parameters.width; }
fn left(start: u32, inner: u32) -> vec4f { return y_vec4(start + inner); }

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
