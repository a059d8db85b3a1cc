// y = [x, second] W^T + bias + residual, with an optional scatter of the rows of y.
//
//     x [rows, inner]   second [rows, second_inner]   W: element (column, k) at weight_offset + column * weight_stride + k
//     y[to(i), c] (+)= sum_k x[i, k] W[c, k] + sum_k second[i, k] W[c, inner + k] + bias[c] + residual[to(i), c]
//
// to(i) = row_index[i] with scatter, else i. Which of these parts a call has is given by parameters, not compiled in: compilers
// take long over a product, and one pipeline must do for all. An array that a call lacks is bound to a buffer that is not read.
// Only a TRANSPOSED product is added to what y holds, and it has no bias, residual and scatter.
//
// With COLUMN_NORM, y is normalised before it is written, by BatchNorm with given statistics (column_norm.wgsl), and not scattered.
//
// With LAYER_NORM, which excludes COLUMN_NORM and a scatter, the residual is added to LayerNorm of the rest:
//
//     y[i] = residual[i] + LayerNorm([x, second][i] W^T + bias)
//
// `second` and the weight's rows need not be multiples of 4 (TAIL) where x and y are: the positions that pooling joins to x.
//
// With HALF_X, x is stored in half precision: the hidden layer of norm_swiglu.wgsl.
//
// With TRANSPOSED, element (column, k) of W lies at weight_offset + row(k) * weight_stride + column, which gives the gradient
// with respect to x. Here row(k) = k, or with packed_width > 0 the row of the reference's packed qkv that holds column k = (t, h,
// e), which is (h, e, t).
//! include product.wgsl
//! include packing.wgsl
//! include vec4_read.wgsl x bias residual y
//! if SPLIT_LEFT
//! include vec4_read.wgsl second
//! end
//! include vec4_write.wgsl y

struct Parameters { first_group: u32, rows: u32, columns: u32, inner: u32, second_inner: u32, weight_stride: u32, weight_offset: u32, packed_width: u32, has_bias: u32, has_residual: u32, scatter: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
//! if HALF_X
//! if VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<f16>>;
//! else
@group(0) @binding(1) var<storage, read> x: array<f16>;
//! end
//! else
@group(0) @binding(1) var<storage, read> x: array<Stored>;
//! end
@group(0) @binding(2) var<storage, read> weight: array<Weight>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;
//! if TAIL
@group(0) @binding(4) var<storage, read> second: array<f32>;
//! else
@group(0) @binding(4) var<storage, read> second: array<Stored>;
//! end
@group(0) @binding(5) var<storage, read> bias: array<Stored>;
@group(0) @binding(6) var<storage, read> residual: array<Stored>;
//! if COLUMN_NORM
@group(0) @binding(7) var<storage, read> column_norm: array<vec4f>;
//! else
//! if LAYER_NORM
@group(0) @binding(7) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(8) var<storage, read> norm_bias: array<vec4f>;
//! else
@group(0) @binding(7) var<storage, read> row_index: array<u32>;
//! end
//! end

alias Written = f32;
//! if RIGHT_VEC4
alias Weight = vec4f;
//! else
alias Weight = f32;
//! end

fn product_size() -> vec4u {
//! if TAIL
  return vec4u(parameters.rows, parameters.columns, parameters.inner, parameters.inner);
//! else
  return vec4u(parameters.rows, parameters.columns, parameters.inner + parameters.second_inner, parameters.inner + parameters.second_inner);
//! end
}

//! if TAIL
fn tail_size() -> u32 { return parameters.second_inner; }
fn left_tail(row: u32, inner: u32) -> f32 { return second[row * parameters.second_inner + inner]; }

fn right_tail(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  return weight[right_start(tile, column_in_tile) + parameters.inner + inner];
}

//! end

//! if SPLIT_LEFT
//! if WHOLE_STEPS
// Rows of x and of second are equally long, so what is a place in both of them, one after the other, lies a row earlier in second.
fn left_start(row: u32) -> u32 { return row * (parameters.inner >> STORED_SHIFT); }

fn left_of_step(place: u32, inner: u32) -> vec4f {
  if (inner >= parameters.inner) { return second_at(place - (parameters.inner >> STORED_SHIFT)); }
  return x_at(place);
}
//! else
// A row that continues in second begins at two places, so its start is its number.
fn left_start(row: u32) -> u32 { return row; }

//! if VEC4
fn left(row: u32, inner: u32) -> vec4f {
  if (inner >= parameters.inner) { return second_vec4(row * parameters.second_inner + inner - parameters.inner); }
  return x_vec4(row * parameters.inner + inner);
}
//! else
// A vec4 may straddle the end of x and the beginning of second.
fn left(row: u32, inner: u32) -> vec4f {
  return vec4f(left_element(row, inner), left_element(row, inner + 1), left_element(row, inner + 2), left_element(row, inner + 3));
}

fn left_element(row: u32, inner: u32) -> f32 {
  if (inner >= parameters.inner) { return second[row * parameters.second_inner + inner - parameters.inner]; }
  return f32(x[row * parameters.inner + inner]);
}
//! end
//! end
//! else
fn left_start(row: u32) -> u32 { return row * (product_size().z >> STORED_SHIFT); }
fn left(start: u32, inner: u32) -> vec4f { return x_at(start + (inner >> STORED_SHIFT)); }
//! end

fn right_start(tile: u32, column_in_tile: u32) -> u32 {
  let column = min(tile * TILE_COLUMNS + column_in_tile, parameters.columns - 1);
//! if TRANSPOSED
  return (parameters.weight_offset + column) >> RIGHT_SHIFT;
//! else
  return (parameters.weight_offset + column * parameters.weight_stride) >> RIGHT_SHIFT;
//! end
}

fn weight_at(begin: u32) -> vec4f {
//! if RIGHT_VEC4
  return weight[begin];
//! else
  // No place reaches 2^30. That tells compilers that the sums below do not overflow, so that the loads themselves do them. (In tiles of
  // 128 rows, of which a thread loads little of the right side, NVIDIA's compiler moved values to memory and back for it.)
  let place = begin & (0x3fffffff | (TILE_ROWS / 128 * 0xc0000000));
  return vec4f(weight[place], weight[place + 1], weight[place + 2], weight[place + 3]);
//! end
}

//! if TRANSPOSED
fn right(start: u32, inner: u32) -> vec4f {
  return weight_at(start + packed_row(inner, parameters.packed_width) * (parameters.weight_stride >> RIGHT_SHIFT));
}
//! else
fn right(start: u32, inner: u32) -> vec4f { return weight_at(start + (inner >> RIGHT_SHIFT)); }
//! end

//! if LAYER_NORM
fn last_terms(column: u32, sums: vec4f) -> vec4f {
  if (parameters.has_bias == 1) { return sums + bias_vec4(column); }
  return sums;
}

fn store(row: u32, column: u32, values: vec4f) {
  let at = row * parameters.columns + column;
  let normed = fma(values, norm_weight[column >> 2], norm_bias[column >> 2]);
  put_y(at, parameters.columns - column, residual_vec4(at) + normed);
}
//! else
fn store(row: u32, column: u32, values: vec4f) {
  let at = row * parameters.columns + column;
  let count = parameters.columns - column;
  var result = values;
//! if TRANSPOSED
  if (parameters.accumulate == 1) { result += y_some(at, count); }
//! else
  if (parameters.has_bias == 1) { result += bias_vec4(column); }
  if (parameters.has_residual == 1) { result += residual_vec4(at); }
//! end
//! if COLUMN_NORM
//! repeat c 4
  let norm_$c = column_norm[column + $c];
  result[$c] = (result[$c] - norm_$c.x) / norm_$c.y * norm_$c.z + norm_$c.w;
//! end
//! end
  put_y(at, count, result);
}
//! end

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  var target_row = row;
//! if COLUMN_NORM
//! else
//! if LAYER_NORM
//! else
//! if TRANSPOSED
//! else
  if (parameters.scatter == 1) { target_row = row_index[row]; }
//! end
//! end
//! end
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < parameters.columns) { store(target_row, column, low); }
  if (HALVES == 2 && column + HALF_COLUMNS < parameters.columns) { store(target_row, column + HALF_COLUMNS, high); }
}
