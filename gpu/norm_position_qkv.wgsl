// Queries, keys and values of ball attention, from the block's input, in one product:
//
//     y = RMSNorm(x; norm) + offsets P^T + b_P          x [n, width], offsets [rows, DIMENSIONS] from the ball's centre
//     qkv = y W^T + b                                   W [3 width, width]
//
// taken apart as (x * norm) W^T / rms(x) + offsets (W P)^T + (W b_P + b), the last two from fold_position.wgsl: the product
// itself reads x and nothing else. Row i reads x at row_index[i] with gather (rotated order).
//
// The reference packs element e of head h of q, k, v at output (h E + e) 3 + t; here the product's columns run over t, h, e,
// so that a head's numbers lie side by side: qkv [rows, 3 width], q in the first third of a row, then k, then v.
//! include product.wgsl
//! include packing.wgsl

struct Parameters { rows: u32, width: u32, gather: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<f32>;
@group(0) @binding(5) var<storage, read> folded: array<f32>;
@group(0) @binding(6) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(7) var<storage, read> row_index: array<u32>;

fn product_size() -> vec4u { return vec4u(parameters.rows, 3 * parameters.width, parameters.width, parameters.width); }

fn left(row: u32, inner: u32) -> f32 {
  var source = row;
  if (parameters.gather == 1) { source = row_index[row]; }
  return x[source * parameters.width + inner];
}

fn right(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  let column = min(tile * TILE_COLUMNS + column_in_tile, 3 * parameters.width - 1);
  return weight[packed_row(column, parameters.width) * parameters.width + inner] * norm[inner];
}

fn store(row: u32, column: u32, values: vec4f) {
  let columns = 3 * parameters.width;
  for (var i = 0u; i < min(4u, columns - column); i++) {
    let fold = (column + i) * (DIMENSIONS + 1);
    var value = values[i] + folded[fold + DIMENSIONS];
//! repeat a DIMENSIONS
    value = fma(offsets[row * DIMENSIONS + $a], folded[fold + $a], value);
//! end
    qkv[row * columns + column + i] = value;
  }
}

fn finish(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < 3 * parameters.width) { store(row, column, low); }
  if (HALVES == 2 && column + 32 < 3 * parameters.width) { store(row, column + 32, high); }
}
