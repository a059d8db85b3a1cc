// A tile of sums (product.wgsl) on the device's matrix units: a subgroup multiplies a MATRIX_ROWS x MATRIX_INNER matrix of half
// precision by a MATRIX_INNER x MATRIX_COLUMNS matrix, and adds to sums in float32.
//
// The tile is ROW_BLOCKS x COLUMN_BLOCKS blocks of 32 x 32 sums, each divided among all subgroups, one such matrix each: the more
// blocks, the more often a loaded matrix is used.

// The tiles are arrays of vec4, and all strides count vec4s: 8 for the elements of one step of a row or column, or with LEFT_ALONG /
// RIGHT_ALONG those of all rows / columns at one inner position, plus padding that puts neighbours into different memory banks.
const TILE_INNER: u32 = 32;
//! if LEFT_ALONG
const LEFT_STRIDE: u32 = TILE_ROWS / 4 + 2;
const LEFT_VEC4S: u32 = TILE_INNER * LEFT_STRIDE;
//! else
const LEFT_STRIDE: u32 = 10;
const LEFT_VEC4S: u32 = TILE_ROWS * LEFT_STRIDE;
//! end
//! if RIGHT_ALONG
const RIGHT_STRIDE: u32 = TILE_COLUMNS / 4 + 2;
const RIGHT_VEC4S: u32 = TILE_INNER * RIGHT_STRIDE;
//! else
const RIGHT_STRIDE: u32 = 10;
const RIGHT_VEC4S: u32 = TILE_COLUMNS * RIGHT_STRIDE;
//! end
const RESULT_STRIDE: u32 = TILE_COLUMNS / 4 + 1;
const SUBGROUPS_ACROSS: u32 = 32 / MATRIX_COLUMNS;
const THREADS: u32 = SUBGROUP_SIZE * SUBGROUPS_ACROSS * (32 / MATRIX_ROWS);
// Eight threads load a row or a column, one vec4 each; with LEFT_ALONG / RIGHT_ALONG 32 rows / columns at one inner position.
const ROWS_AT_ONCE: u32 = THREADS / 8;

var<workgroup> left_tile: array<vec4<f16>, LEFT_VEC4S>;
var<workgroup> right_tile: array<vec4<f16>, RIGHT_VEC4S>;
var<workgroup> results: array<vec4f, 32 * RESULT_STRIDE>;
//! if NORM
var<workgroup> row_squares: array<f32, TILE_ROWS * 8>;
//! end
//! if LEFT_ALONG
//! if LEFT_SUMS
var<workgroup> row_sums: array<vec4f, THREADS>;
//! end
//! end

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32
) {
  let size = product_size();
  let place = place_of(workgroup_number(group, groups), size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;
  let end = place.end;

  let fetched_vec4 = thread % 8;
  let fetched_row = thread / 8;
//! repeat r ROW_BLOCKS
//! if LEFT_ALONG
  let left_from_$r = left_start(min(first_row + $r * 32 + fetched_vec4 * 4, size.x - 1));
//! if LEFT_SUMS
  var left_sums_$r = vec4f(0);
//! end
//! else
//! repeat i FETCHES
  let left_from_$r_$i = left_start(min(first_row + $r * 32 + $i * ROWS_AT_ONCE + fetched_row, size.x - 1));
//! end
//! end
//! end
//! repeat c COLUMN_BLOCKS
//! if RIGHT_ALONG
  let right_from_$c = right_start(tile, $c * 32 + fetched_vec4 * 4);
//! else
//! repeat i FETCHES
  let right_from_$c_$i = right_start(tile, $c * 32 + $i * ROWS_AT_ONCE + fetched_row);
//! end
//! end
//! end
  var left_next: array<vec4f, ROW_BLOCKS * FETCHES>;
  var right_next: array<vec4f, COLUMN_BLOCKS * FETCHES>;
//! if NORM
  var squares: array<vec4f, ROW_BLOCKS * FETCHES>;
//! end

  let own_row = subgroup / SUBGROUPS_ACROSS * MATRIX_ROWS;
  let own_column = subgroup % SUBGROUPS_ACROSS * MATRIX_COLUMNS;
//! repeat r ROW_BLOCKS
//! repeat c COLUMN_BLOCKS
  var sums_$r_$c = subgroup_matrix_result<f32, MATRIX_COLUMNS, MATRIX_ROWS>();
//! end
//! end

  // Each step loads elements from memory and multiplies those of the step before while the loads are under way.
  for (var start = place.begin; ; start += TILE_INNER) {
    let inner = start + fetched_vec4 * 4;
//! if LEFT_ALONG
//! repeat r ROW_BLOCKS
//! repeat i FETCHES
    left_next[$r * FETCHES + $i] = left(left_from_$r, min(start + $i * ROWS_AT_ONCE + fetched_row, end - 1));
//! end
//! end
//! else
//! repeat r ROW_BLOCKS
//! repeat i FETCHES
    left_next[$r * FETCHES + $i] = vec4f(0);
//! end
//! end
    if (inner < end) {
//! repeat r ROW_BLOCKS
//! repeat i FETCHES
      left_next[$r * FETCHES + $i] = until(end, inner, left(left_from_$r_$i, inner));
//! end
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat c COLUMN_BLOCKS
//! repeat i FETCHES
    right_next[$c * FETCHES + $i] = right(right_from_$c, min(start + $i * ROWS_AT_ONCE + fetched_row, end - 1));
//! end
//! end
//! else
//! repeat c COLUMN_BLOCKS
//! repeat i FETCHES
    right_next[$c * FETCHES + $i] = vec4f(0);
//! end
//! end
    if (inner < end) {
//! if NORM
      let weights = norm_vec4(inner);
//! else
      let weights = vec4f(1);
//! end
//! repeat c COLUMN_BLOCKS
//! repeat i FETCHES
      right_next[$c * FETCHES + $i] = until(end, inner, right(right_from_$c_$i, inner) * weights);
//! end
//! end
    }
//! end

    if (start > place.begin) {
      for (var k = 0u; k < TILE_INNER / 4; k += MATRIX_INNER / 4) {
//! repeat r ROW_BLOCKS
//! if LEFT_ALONG
        let rows_$r = subgroupMatrixLoad<subgroup_matrix_left<f16, MATRIX_INNER, MATRIX_ROWS>, col_major>(
          &left_tile, 4 * k * LEFT_STRIDE + ($r * 32 + own_row) / 4, LEFT_STRIDE);
//! else
        let rows_$r = subgroupMatrixLoad<subgroup_matrix_left<f16, MATRIX_INNER, MATRIX_ROWS>, row_major>(
          &left_tile, ($r * 32 + own_row) * LEFT_STRIDE + k, LEFT_STRIDE);
//! end
//! end
//! repeat c COLUMN_BLOCKS
//! if RIGHT_ALONG
        let columns_$c = subgroupMatrixLoad<subgroup_matrix_right<f16, MATRIX_COLUMNS, MATRIX_INNER>, row_major>(
          &right_tile, 4 * k * RIGHT_STRIDE + ($c * 32 + own_column) / 4, RIGHT_STRIDE);
//! else
        let columns_$c = subgroupMatrixLoad<subgroup_matrix_right<f16, MATRIX_COLUMNS, MATRIX_INNER>, col_major>(
          &right_tile, ($c * 32 + own_column) * RIGHT_STRIDE + k, RIGHT_STRIDE);
//! end
//! end
//! repeat r ROW_BLOCKS
//! repeat c COLUMN_BLOCKS
        sums_$r_$c = subgroupMatrixMultiplyAccumulate(rows_$r, columns_$c, sums_$r_$c);
//! end
//! end
      }
    }
    if (start >= end) { break; }
    workgroupBarrier();

//! repeat r ROW_BLOCKS
//! repeat i FETCHES
    {
//! if LEFT_ALONG
      let values = select(vec4f(0), left_next[$r * FETCHES + $i], start + $i * ROWS_AT_ONCE + fetched_row < end);
      left_tile[($i * ROWS_AT_ONCE + fetched_row) * LEFT_STRIDE + $r * 8 + fetched_vec4] = vec4<f16>(values);
//! if LEFT_SUMS
      left_sums_$r += values;
//! end
//! else
      let values = left_next[$r * FETCHES + $i];
      left_tile[($r * 32 + $i * ROWS_AT_ONCE + fetched_row) * LEFT_STRIDE + fetched_vec4] = vec4<f16>(values);
//! end
//! if NORM
      squares[$r * FETCHES + $i] = fma(values, values, squares[$r * FETCHES + $i]);
//! end
    }
//! end
//! end
//! repeat c COLUMN_BLOCKS
//! repeat i FETCHES
//! if RIGHT_ALONG
    right_tile[($i * ROWS_AT_ONCE + fetched_row) * RIGHT_STRIDE + $c * 8 + fetched_vec4] = vec4<f16>(right_next[$c * FETCHES + $i]);
//! else
    right_tile[($c * 32 + $i * ROWS_AT_ONCE + fetched_row) * RIGHT_STRIDE + fetched_vec4] = vec4<f16>(right_next[$c * FETCHES + $i]);
//! end
//! end
//! end
    workgroupBarrier();
  }

//! if LEFT_ALONG
//! if LEFT_SUMS
//! repeat r ROW_BLOCKS
  workgroupBarrier();
  row_sums[thread] = left_sums_$r;
  workgroupBarrier();
  if (tile == 0 && thread < 8 && first_row + $r * 32 + thread * 4 < size.x) {
    var total = vec4f(0);
    for (var i = thread; i < THREADS; i += 8) { total += row_sums[i]; }
    left_epilogue(first_row + $r * 32 + thread * 4, total);
  }
//! end
//! end
//! end
//! if NORM
//! repeat r ROW_BLOCKS
//! repeat i FETCHES
  {
    let own = squares[$r * FETCHES + $i];
    row_squares[($r * 32 + $i * ROWS_AT_ONCE + fetched_row) * 8 + thread % 8] = (own.x + own.y) + (own.z + own.w);
  }
//! end
//! end
//! end
//! repeat r ROW_BLOCKS
  // 32 rows are written at a time, so that their sums need little workgroup memory.
  workgroupBarrier();
//! repeat c COLUMN_BLOCKS
  subgroupMatrixStore<row_major>(&results, own_row * RESULT_STRIDE + $c * 8 + own_column / 4, sums_$r_$c, RESULT_STRIDE);
//! end
  workgroupBarrier();
  for (var item = thread; item < 8 * HALF_COLUMNS; item += THREADS) {
    let row = $r * 32 + item / (HALF_COLUMNS / 4);
    if (first_row + row >= size.x) { break; }
    var scale = 1.0;
//! if NORM
    var total = 0.0;
    for (var i = 0u; i < 8; i++) { total += row_squares[row * 8 + i]; }
    scale = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! end
    let column = item % (HALF_COLUMNS / 4);
    let at = item / (HALF_COLUMNS / 4) * RESULT_STRIDE + column;
    epilogue(first_row + row, tile, column * 4, results[at] * scale, results[at + HALF_COLUMNS / 4 * (HALVES - 1)] * scale);
  }
//! end
}
