// y = [x, second] W^T + bias + residual, the rows of y scattered on the way.
//
//     x [rows, inner]   second [rows, second_inner]   W: element (column, k) at weight_offset + column * weight_stride + k
//     y[to(i), c] (+)= sum_k x[i, k] W[c, k] + sum_k second[i, k] W[c, inner + k] + bias[c] + residual[to(i), c]
//
// to(i) = row_index[i] with scatter, else i. What a call has of all this is told by numbers, not compiled in: compilers take
// long over a product, and one must do for all. An array that a call does not have is bound to something that is not read.
//
// With HALF_X x is stored in half precision: the hidden layer of norm_swiglu.wgsl.
//
// With TRANSPOSED, element (column, k) of W lies at weight_offset + row(k) * weight_stride + column: the gradient with respect
// to x. There row(k) = k, or with packed_width > 0 the row of the reference's packed qkv that holds column k = (t, h, e),
// which is (h, e, t).
//! include product.wgsl
//! include packing.wgsl

struct Parameters { rows: u32, columns: u32, inner: u32, second_inner: u32, weight_stride: u32, weight_offset: u32, packed_width: u32, has_bias: u32, has_residual: u32, scatter: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
//! if HALF_X
@group(0) @binding(1) var<storage, read> x: array<f16>;
//! else
@group(0) @binding(1) var<storage, read> x: array<f32>;
//! end
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> second: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read> residual: array<f32>;
@group(0) @binding(7) var<storage, read> row_index: array<u32>;

fn product_size() -> vec4u {
  return vec4u(parameters.rows, parameters.columns, parameters.inner + parameters.second_inner, parameters.inner + parameters.second_inner);
}

fn left(row: u32, inner: u32) -> f32 {
  if (inner >= parameters.inner) { return second[row * parameters.second_inner + inner - parameters.inner]; }
  return f32(x[row * parameters.inner + inner]);
}

fn right(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  let column = min(tile * TILE_COLUMNS + column_in_tile, parameters.columns - 1);
//! if TRANSPOSED
  var row = inner;
  if (parameters.packed_width > 0) { row = packed_row(inner, parameters.packed_width); }
  return weight[parameters.weight_offset + row * parameters.weight_stride + column];
//! else
  return weight[parameters.weight_offset + column * parameters.weight_stride + inner];
//! end
}

fn store(row: u32, column: u32, values: vec4f) {
  for (var i = 0u; i < min(4u, parameters.columns - column); i++) {
    var value = values[i];
    let at = row * parameters.columns + column + i;
    if (parameters.has_bias == 1) { value += bias[column + i]; }
    if (parameters.has_residual == 1) { value += residual[at]; }
    if (parameters.accumulate == 1) { value += y[at]; }
    y[at] = value;
  }
}

fn finish(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  var target_row = row;
  if (parameters.scatter == 1) { target_row = row_index[row]; }
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < parameters.columns) { store(target_row, column, low); }
  if (HALVES == 2 && column + 32 < parameters.columns) { store(target_row, column + 32, high); }
}
