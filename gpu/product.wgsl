// The core of every matrix product: one workgroup computes a tile of TILE_ROWS x TILE_COLUMNS sums:
//
//     sum[row, column] = sum over inner of left(row, inner) * right(column, inner)
//
// in registers (product_registers.wgsl), with MATRIX by the device's matrix units (product_matrix.wgsl), or with PRIVATE on
// SwiftShader (product_private.wgsl). The inner dimension runs in order, so a sum's bits do not depend on the tile's shape. The
// including file says what is multiplied and what is done with a sum:
//
//     fn product_size() -> vec4u                                  rows, columns (in the tiles' columns), inner, inner of one part
//     fn left_start(row: u32) -> u32                              row < rows: the place where it begins (stored.wgsl)
//     fn left(start: u32, inner: u32) -> vec4f                    the row's elements inner .. inner + 3
//     fn right_start(tile: u32, column: u32) -> u32               column inside the tile; may lie beyond the last column
//     fn right(start: u32, inner: u32) -> vec4f                   the column's elements inner .. inner + 3
//     fn epilogue(row: u32, tile: u32, column: u32, low: vec4f, high: vec4f)
//
// With LEFT_ALONG / RIGHT_ALONG, rows / columns are contiguous in memory: a call with a row / column that is a multiple of 4
// returns the elements of four of them at one inner position. With VEC4 all widths are multiples of 4 (stored.wgsl); without it,
// what left and right return beyond the end of the inner dimension is ignored. RIGHT_VEC4 says whether right's array holds vec4s.
//
// With WHOLE_STEPS every part of the inner dimension is a multiple of 16, and a row or column that lies along it is contiguous in
// one array: the elements at `inner` are those at 0 of a start that is as many elements further. With SPLIT_LEFT, though, rows of
// left go on in a second array, from a multiple of 16 on, and the step's first inner position tells the array:
//
//     fn left_of_step(start: u32, inner: u32) -> vec4f
//
// With NORM the rows of left, which lie along the inner dimension, are RMS-normalised: the squares of the elements loaded into
// the tiles are added up on the way, and every sum is multiplied by its row's 1 / sqrt(mean of squares + 2^-23) (spec: eps is
// float32's machine epsilon). The norm's weight belongs to the inner dimension, so it is multiplied into the right side, once per
// element of the tile; the including file declares it as norm_vec4 (vec4_read.wgsl).
// A product whose inner dimension is long and whose result is small is split along the inner dimension; each part has workgroups
// of its own, and `part` is its index. The others have a single part.
// With HALF the factors are rounded to half precision, 11 bits; the sums stay in float32.
// With LEFT_SUMS (and LEFT_ALONG) the workgroups of the first tile of columns also compute the sums of left's rows over the
// part's inner positions, four neighbouring rows at a time:
//
//     fn left_epilogue(row: u32, sums: vec4f)
//
// With TAIL the inner dimension goes on for tail_size() positions, whose elements are read one by one:
//
//     fn tail_size() -> u32
//     fn left_tail(row: u32, inner: u32) -> f32                   row < rows, inner < tail_size(), counted from the tail's start
//     fn right_tail(tile: u32, column: u32, inner: u32) -> f32    column as of right_start
//
// With LAYER_NORM (in registers, with VEC4) a tile has whole rows, of at most 64 columns, which are normalised as by layer_norm.wgsl
// but for weight and bias; before that a function gives them their last terms:
//
//     fn last_terms(column: u32, sums: vec4f) -> vec4f            column < columns
//
// epilogue receives four neighbouring columns of the tile's first half in `low`, and the four that are HALF_COLUMNS further in
// `high`. A tile of 32 columns has no second half (HALVES is 1).
//! include stored.wgsl
//! include workgroup.wgsl
//! if NORM
//! include rms_epsilon.wgsl
//! end
//! if LAYER_NORM
//! include layer_epsilon.wgsl
//! end

const HALF_COLUMNS: u32 = TILE_COLUMNS / HALVES;
//! if RIGHT_VEC4
const RIGHT_SHIFT: u32 = STORED_SHIFT;
//! else
const RIGHT_SHIFT: u32 = 0;
//! end
var<private> part: u32;

// The work of a workgroup: a tile and the inner positions of its part; no inner positions if there is nothing to do.
struct Place {
  first_row: u32,
  tile: u32,
  begin: u32,
  end: u32,
}

fn place_of(index: u32, size: vec4u) -> Place {
  let column_tiles = (size.y + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let tiles = column_tiles * ((size.x + TILE_ROWS - 1) / TILE_ROWS);
  // This is not `part` itself, which a compiler need not recognise as uniform across the workgroup.
  let own_part = index / tiles;
  part = own_part;
  let tile = index % tiles;
  let begin = own_part * size.w;
  return Place(tile / column_tiles * TILE_ROWS, tile % column_tiles, begin, min(size.z, begin + size.w));
}

// Replaces what lies at `end` and beyond by zeros.
fn until(end: u32, inner: u32, values: vec4f) -> vec4f {
//! if VEC4
  return values;
//! else
  return select(vec4f(0), values, vec4u(inner, inner + 1, inner + 2, inner + 3) < vec4u(end));
//! end
}

//! if MATRIX
//! include product_matrix.wgsl
//! else
//! if PRIVATE
//! include product_private.wgsl
//! else
//! include product_registers.wgsl
//! end
//! end
