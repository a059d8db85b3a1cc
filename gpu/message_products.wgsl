// Each node's contribution to the messages it sends and receives. The message's Linear over [h_source, h_target, p_source -
// p_target] is split, so that the products with h are computed once per node instead of once per edge:
//
//     products[i] = [h_i W[:, 0 .. width]^T,  h_i W[:, width .. 2 width]^T + bias]
//
//     h [nodes, width]   W [width, weight_stride]   products [nodes, 2 width]: as source, then as target
//
// The length of W's rows depends on the dimensions and need not be a multiple of 4, so W is read one element at a time.
//! include product.wgsl
//! include vec4_read.wgsl h bias
//! include vec4_write.wgsl products

struct Parameters { first_group: u32, rows: u32, width: u32, weight_stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> h: array<Stored>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<Stored>;
@group(0) @binding(4) var<storage, read_write> products: array<Stored>;

alias Written = f32;

fn product_size() -> vec4u { return vec4u(parameters.rows, 2 * parameters.width, parameters.width, parameters.width); }

fn left_start(row: u32) -> u32 { return row * (parameters.width >> STORED_SHIFT); }
fn left(start: u32, inner: u32) -> vec4f { return h_at(start + (inner >> STORED_SHIFT)); }

fn right_start(tile: u32, column_in_tile: u32) -> u32 {
  let column = min(tile * TILE_COLUMNS + column_in_tile, 2 * parameters.width - 1);
  let as_target = column / parameters.width;
  return (column - as_target * parameters.width) * parameters.weight_stride + as_target * parameters.width;
}

fn right(start: u32, inner: u32) -> vec4f {
  let at = start + inner;
  return vec4f(weight[at], weight[at + 1], weight[at + 2], weight[at + 3]);
}

// Only the half for received messages has the bias. Without VEC4 four columns may straddle both halves.
fn bias_of(column: u32) -> vec4f {
//! if VEC4
  if (column < parameters.width) { return vec4f(0); }
  return bias_vec4(column - parameters.width);
//! else
  let columns = vec4u(column, column + 1, column + 2, column + 3);
  let at = max(columns, vec4u(parameters.width)) - parameters.width;
  return select(vec4f(0), vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]), columns >= vec4u(parameters.width));
//! end
}

fn store(row: u32, column: u32, values: vec4f) {
  let columns = 2 * parameters.width;
  put_products(row * columns + column, columns - column, values + bias_of(column));
}

fn epilogue(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < 2 * parameters.width) { store(row, column, low); }
  if (HALVES == 2 && column + HALF_COLUMNS < 2 * parameters.width) { store(row, column + HALF_COLUMNS, high); }
}
