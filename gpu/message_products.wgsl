// The node's share in the messages it sends and receives. The message's Linear over [h_source, h_target, p_source - p_target]
// is taken apart, so that the products with h are made once a node instead of once an edge:
//
//     products[i] = [h_i W[:, 0 .. width]^T,  h_i W[:, width .. 2 width]^T + bias]
//
//     h [nodes, width]   W [width, weight_stride]   products [nodes, 2 width]: as source, then as target
//! include product.wgsl

struct Parameters { nodes: u32, width: u32, weight_stride: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> products: array<f32>;

fn product_size() -> vec4u { return vec4u(parameters.nodes, 2 * parameters.width, parameters.width, parameters.width); }

fn left(row: u32, inner: u32) -> f32 { return h[row * parameters.width + inner]; }

fn right(tile: u32, column_in_tile: u32, inner: u32) -> f32 {
  let column = min(tile * TILE_COLUMNS + column_in_tile, 2 * parameters.width - 1);
  let as_target = column / parameters.width;
  return weight[(column - as_target * parameters.width) * parameters.weight_stride + as_target * parameters.width + inner];
}

fn store(row: u32, column: u32, values: vec4f) {
  for (var i = 0u; i < min(4u, 2 * parameters.width - column); i++) {
    var value = values[i];
    if (column + i >= parameters.width) { value += bias[column + i - parameters.width]; }
    products[row * 2 * parameters.width + column + i] = value;
  }
}

fn finish(row: u32, tile: u32, column_in_tile: u32, low: vec4f, high: vec4f) {
  let column = tile * TILE_COLUMNS + column_in_tile;
  if (column < 2 * parameters.width) { store(row, column, low); }
  if (HALVES == 2 && column + 32 < 2 * parameters.width) { store(row, column + 32, high); }
}
