// The product of the gated hidden layer: of the rows of $array [rows, width] with both W1 and W2 [hidden_width, width], which follow
// one another in `gates` (gate_weights.wgsl). The first half of a tile's columns are rows of W1, the second half the same rows of W2,
// so that gate and value meet in one thread.
//! include product.wgsl
//! include vec4_read.wgsl gates gate_bias value_bias

struct Parameters { first_group: u32, rows: u32, width: u32, hidden_width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> $array: array<Stored>;
@group(0) @binding(2) var<storage, read> gates: array<Stored>;
@group(0) @binding(3) var<storage, read> gate_bias: array<Stored>;
@group(0) @binding(4) var<storage, read> value_bias: array<Stored>;

// Every tile computes HALF_COLUMNS columns of the hidden layer: the width is rounded up to whole tiles.
fn product_size() -> vec4u {
  return vec4u(parameters.rows, (parameters.hidden_width + HALF_COLUMNS - 1) / HALF_COLUMNS * TILE_COLUMNS, parameters.width, parameters.width);
}

fn left_start(row: u32) -> u32 { return row * (parameters.width >> STORED_SHIFT); }
fn left(start: u32, inner: u32) -> vec4f { return $array_at(start + (inner >> STORED_SHIFT)); }

fn right_start(tile: u32, column_in_tile: u32) -> u32 {
  let of_half = min(tile * HALF_COLUMNS + column_in_tile % HALF_COLUMNS, parameters.hidden_width - 1);
  return (column_in_tile / HALF_COLUMNS * parameters.hidden_width + of_half) * (parameters.width >> STORED_SHIFT);
}

fn right(start: u32, inner: u32) -> vec4f { return gates_at(start + (inner >> STORED_SHIFT)); }
