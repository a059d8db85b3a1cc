// The gradient of a linear map's weight, one sum for each part of the rows:
//
//     sums[part, c, k] = sum over the part's rows of gradient[row, c] * x[row, k]
//
//     gradient [rows, columns]   x [rows, inner]   sums [parts, columns, inner], added up by sum_parts.wgsl
//
// With LEFT_SUMS the bias' gradient follows the weight's in each part: the sum over the part's rows of gradient[row, c].
// first_part is the part index of the first bound row.
//! include product.wgsl
//! include vec4_read.wgsl gradient x
//! include vec4_write.wgsl sums

struct Parameters { first_group: u32, rows: u32, columns: u32, inner: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> gradient: array<Stored>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;
@group(0) @binding(3) var<storage, read_write> sums: array<Stored>;

alias Written = f32;

fn product_size() -> vec4u { return vec4u(parameters.columns, parameters.inner, parameters.rows, parameters.part_rows); }

fn left_start(column: u32) -> u32 { return column >> STORED_SHIFT; }
fn left(start: u32, row: u32) -> vec4f { return gradient_at(row * (parameters.columns >> STORED_SHIFT) + start); }

fn right_start(tile: u32, inner_in_tile: u32) -> u32 {
  return min(tile * TILE_COLUMNS + inner_in_tile, parameters.inner - 1) >> STORED_SHIFT;
}

fn right(start: u32, row: u32) -> vec4f {
  return x_at(row * (parameters.inner >> STORED_SHIFT) + start);
}

fn part_start() -> u32 { return (parameters.first_part + part) * parameters.columns * (parameters.inner + LEFT_SUMS); }

fn store(column: u32, inner: u32, values: vec4f) {
  put_sums(part_start() + column * parameters.inner + inner, parameters.inner - inner, values);
}

fn epilogue(column: u32, tile: u32, inner_in_tile: u32, low: vec4f, high: vec4f) {
  let inner = tile * TILE_COLUMNS + inner_in_tile;
  if (inner < parameters.inner) { store(column, inner, low); }
  if (HALVES == 2 && inner + HALF_COLUMNS < parameters.inner) { store(column, inner + HALF_COLUMNS, high); }
}

//! if LEFT_SUMS
fn left_epilogue(column: u32, values: vec4f) {
  put_sums(part_start() + parameters.columns * parameters.inner + column, parameters.columns - column, values);
}
//! end
