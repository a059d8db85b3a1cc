// Queries, keys and values of ball attention from the block's input, in one product:
//
//     y = RMSNorm(x; norm) + offsets P^T + b_P          x [n, width], offsets [rows, DIMENSIONS] from the ball's centre
//     qkv = y W^T + b                                   W [3 width, width]
//
// computed as (x * norm) W^T / rms(x) + offsets (W P)^T + (W b_P + b), the last two terms from fold_position.wgsl: the product
// itself reads only x. With gather, row i reads x at row_index[i] (rotated order).
//
// The reference packs element e of head h of q, k, v at output (h E + e) 3 + t. Here the product's columns run over t, h, e, so
// that a head's elements are contiguous: qkv [rows, 3 width], q in the first third of a row, then k, then v.
//! include product.wgsl
//! include packing.wgsl
//! include vec4_read.wgsl x norm weight
//! include vec4_write.wgsl qkv

struct Parameters { first_group: u32, rows: u32, width: u32, gather: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> norm: array<Stored>;
@group(0) @binding(3) var<storage, read> weight: array<Stored>;
@group(0) @binding(4) var<storage, read> offsets: array<f32>;
@group(0) @binding(5) var<storage, read> folded: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> qkv: array<Stored>;
@group(0) @binding(7) var<storage, read> row_index: array<u32>;

alias Written = f32;

fn product_size() -> vec4u { return vec4u(parameters.rows, 3 * parameters.width, parameters.width, parameters.width); }

fn left_start(row: u32) -> u32 {
  var source = row;
  if (parameters.gather == 1) { source = row_index[row]; }
  return source * (parameters.width >> STORED_SHIFT);
}

fn left(start: u32, inner: u32) -> vec4f { return x_at(start + (inner >> STORED_SHIFT)); }

fn right_start(tile: u32, column_in_tile: u32) -> u32 {
  return packed_row(min(tile * TILE_COLUMNS + column_in_tile, 3 * parameters.width - 1), parameters.width) * (parameters.width >> STORED_SHIFT);
}

fn right(start: u32, inner: u32) -> vec4f { return weight_at(start + (inner >> STORED_SHIFT)); }

fn store(row: u32, column: u32, values: vec4f) {
  let columns = 3 * parameters.width;
  var result = values;
//! repeat c 4
  {
    let fold = folded[column + $c];
    var value = values[$c] + fold[DIMENSIONS];
//! repeat a DIMENSIONS
    value = fma(offsets[row * DIMENSIONS + $a], fold[$a], value);
//! end
    result[$c] = value;
  }
//! end
  put_qkv(row * columns + column, columns - column, result);
}

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < 3 * parameters.width) { store(row, column, low); }
  if (HALVES == 2 && column + HALF_COLUMNS < 3 * parameters.width) { store(row, column + HALF_COLUMNS, high); }
}
