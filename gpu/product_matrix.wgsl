// A tile of sums (product.wgsl) by the device's matrix units: a subgroup at a time multiplies a matrix of MATRIX_ROWS x
// MATRIX_INNER numbers of half precision by one of MATRIX_INNER x MATRIX_COLUMNS, and adds to sums in float32.
//
// Each 32 x 32 sums of the tile are divided among all subgroups, one such matrix each. Rows and columns lie along the inner
// dimension (neither LEFT_ALONG nor RIGHT_ALONG), which has a single part.

// The tiles are arrays of quads, and so are all distances in them: from one row or column to the next 8 for the numbers of a
// turn, and a gap that takes neighbours to different memory banks.
const TILE_INNER: u32 = 32;
const TILE_STRIDE: u32 = 10;
const RESULT_STRIDE: u32 = 8 * HALVES + 1;
const SUBGROUPS_ACROSS: u32 = 32 / MATRIX_COLUMNS;
const THREADS: u32 = SUBGROUP_SIZE * SUBGROUPS_ACROSS * (32 / MATRIX_ROWS);
// Eight threads carry a row or a column from memory, a quad each.
const ROWS_AT_ONCE: u32 = THREADS / 8;

var<workgroup> left_tile: array<vec4<f16>, TILE_ROWS * TILE_STRIDE>;
var<workgroup> right_tile: array<vec4<f16>, TILE_COLUMNS * TILE_STRIDE>;
var<workgroup> results: array<vec4f, 32 * RESULT_STRIDE>;
//! if NORM
var<workgroup> row_squares: array<f32, TILE_ROWS * 8>;
//! end

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32
) {
  let size = product_size();
  let place = place_of(group.y * groups.x + group.x, size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;

  let fetched_quad = thread % 8;
  let fetched_row = thread / 8;
//! repeat half ROW_HALVES
//! repeat i FETCHES
  let left_from_$half_$i = left_start(min(first_row + $half * 32 + $i * ROWS_AT_ONCE + fetched_row, size.x - 1));
//! end
//! end
//! repeat h HALVES
//! repeat i FETCHES
  let right_from_$h_$i = right_start(tile, $h * 32 + $i * ROWS_AT_ONCE + fetched_row);
//! end
//! end
  var left_next: array<vec4f, ROW_HALVES * FETCHES>;
  var right_next: array<vec4f, HALVES * FETCHES>;
//! if NORM
  var squares: array<vec4f, ROW_HALVES * FETCHES>;
//! end

  let own_row = subgroup / SUBGROUPS_ACROSS * MATRIX_ROWS;
  let own_column = subgroup % SUBGROUPS_ACROSS * MATRIX_COLUMNS;
//! repeat half ROW_HALVES
//! repeat h HALVES
  var sums_$half_$h = subgroup_matrix_result<f32, MATRIX_COLUMNS, MATRIX_ROWS>();
//! end
//! end

  // Each turn fetches numbers from memory and multiplies those of the turn before while they are on their way.
  for (var start = 0u; ; start += TILE_INNER) {
    let inner = start + fetched_quad * 4;
//! repeat half ROW_HALVES
//! repeat i FETCHES
    left_next[$half * FETCHES + $i] = vec4f(0);
//! end
//! end
//! repeat h HALVES
//! repeat i FETCHES
    right_next[$h * FETCHES + $i] = vec4f(0);
//! end
//! end
    if (inner < size.z) {
//! if NORM
      let weights = norm_quad(inner);
//! else
      let weights = vec4f(1);
//! end
//! repeat half ROW_HALVES
//! repeat i FETCHES
      left_next[$half * FETCHES + $i] = until(size.z, inner, left(left_from_$half_$i, inner));
//! end
//! end
//! repeat h HALVES
//! repeat i FETCHES
      right_next[$h * FETCHES + $i] = until(size.z, inner, right(right_from_$h_$i, $h * 32 + $i * ROWS_AT_ONCE + fetched_row, inner) * weights);
//! end
//! end
    }

    if (start > 0) {
      for (var k = 0u; k < TILE_INNER / 4; k += MATRIX_INNER / 4) {
//! repeat half ROW_HALVES
        let rows_$half = subgroupMatrixLoad<subgroup_matrix_left<f16, MATRIX_INNER, MATRIX_ROWS>, row_major>(
          &left_tile, ($half * 32 + own_row) * TILE_STRIDE + k, TILE_STRIDE);
//! end
//! repeat h HALVES
        let columns_$h = subgroupMatrixLoad<subgroup_matrix_right<f16, MATRIX_COLUMNS, MATRIX_INNER>, col_major>(
          &right_tile, ($h * 32 + own_column) * TILE_STRIDE + k, TILE_STRIDE);
//! end
//! repeat half ROW_HALVES
//! repeat h HALVES
        sums_$half_$h = subgroupMatrixMultiplyAccumulate(rows_$half, columns_$h, sums_$half_$h);
//! end
//! end
      }
    }
    if (start >= size.z) { break; }
    workgroupBarrier();

//! repeat half ROW_HALVES
//! repeat i FETCHES
    {
      let values = left_next[$half * FETCHES + $i];
      left_tile[($half * 32 + $i * ROWS_AT_ONCE + fetched_row) * TILE_STRIDE + fetched_quad] = vec4<f16>(values);
//! if NORM
      squares[$half * FETCHES + $i] = fma(values, values, squares[$half * FETCHES + $i]);
//! end
    }
//! end
//! end
//! repeat h HALVES
//! repeat i FETCHES
    right_tile[($h * 32 + $i * ROWS_AT_ONCE + fetched_row) * TILE_STRIDE + fetched_quad] = vec4<f16>(right_next[$h * FETCHES + $i]);
//! end
//! end
    workgroupBarrier();
  }

//! if NORM
//! repeat half ROW_HALVES
//! repeat i FETCHES
  {
    let own = squares[$half * FETCHES + $i];
    row_squares[($half * 32 + $i * ROWS_AT_ONCE + fetched_row) * 8 + thread % 8] = (own.x + own.y) + (own.z + own.w);
  }
//! end
//! end
//! end
//! repeat half ROW_HALVES
  // 32 rows at a time, so that their sums need little memory.
  workgroupBarrier();
//! repeat h HALVES
  subgroupMatrixStore<row_major>(&results, own_row * RESULT_STRIDE + $h * 8 + own_column / 4, sums_$half_$h, RESULT_STRIDE);
//! end
  workgroupBarrier();
  for (var item = thread; item < 256; item += THREADS) {
    let row = $half * 32 + item / 8;
    if (first_row + row >= size.x) { break; }
    var scale = 1.0;
//! if NORM
    var total = 0.0;
    for (var i = 0u; i < 8; i++) { total += row_squares[row * 8 + i]; }
    scale = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! end
    let at = item / 8 * RESULT_STRIDE + item % 8;
    finish(first_row + row, tile, item % 8 * 4, results[at] * scale, results[at + 8 * (HALVES - 1)] * scale);
  }
//! end
}
