// The gated hidden layer's backward: hidden = value * SiLU(gate), gate = y W1^T + b1, value = y W2^T + b2:
//
//     dgate = dhidden * value * s (1 + gate (1 - s)),  s = 1 / (1 + exp(-gate))
//     dvalue = dhidden * SiLU(gate)
//
//     y [rows, width] the normalised input   W1, W2 [hidden_width, width]   hidden, dgate, dvalue [rows, hidden_width]
//
// gate and value are computed again; `dvalue` holds dhidden when the kernel starts. Tiles as in norm_swiglu.wgsl.
//! include product.wgsl

struct Parameters { rows: u32, width: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> gate_weight: array<f32>;
@group(0) @binding(3) var<storage, read> gate_bias: array<f32>;
@group(0) @binding(4) var<storage, read> value_weight: array<f32>;
@group(0) @binding(5) var<storage, read> value_bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> hidden: array<f32>;
@group(0) @binding(7) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(8) var<storage, read_write> dvalue: array<f32>;

fn product_size() -> vec4u {
  return vec4u(parameters.rows, (parameters.hidden_width + 31) / 32 * 64, parameters.width, parameters.width);
}

fn left(row: u32, inner: u32) -> f32 { return y[row * parameters.width + inner]; }

fn right(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  let column = min(tile * 32 + column_in_tile % 32, parameters.hidden_width - 1);
  if (column_in_tile < 32) { return gate_weight[column * parameters.width + inner]; }
  return value_weight[column * parameters.width + inner];
}

fn finish(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * 32 + column_in_tile;
  if (column >= parameters.hidden_width) { return; }
  for (var i = 0u; i < min(4u, parameters.hidden_width - column); i++) {
    let at = row * parameters.hidden_width + column + i;
    let gate = low[i] + gate_bias[column + i];
    let value = high[i] + value_bias[column + i];
    let share = 1.0 / (1.0 + exp(-gate));
    let dhidden = dvalue[at];
    hidden[at] = value * gate * share;
    dgate[at] = dhidden * value * share * (1.0 + gate * (1.0 - share));
    dvalue[at] = dhidden * gate * share;
  }
}
