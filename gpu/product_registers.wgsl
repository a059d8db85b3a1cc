// A tile of sums (product.wgsl) in registers: each thread has 4 * ROW_QUADS rows x 4 * HALVES columns of it.
//
// A turn puts TILE_INNER inner positions into workgroup memory and multiplies them. Its loads have no condition, so that all are
// under way at once: places are clamped, and what lies beyond the end becomes zero when it is put into the tile. They are asked for
// before the turn before is multiplied, but NVIDIA's compiler moves them behind that (seen in its machine code), which frees
// registers: other workgroups do the waiting. A loop that keeps them early was 6 % slower on an H200, norms included.

const TILE_INNER: u32 = 16;
const LEFT_QUADS: u32 = TILE_ROWS / 4;
const RIGHT_QUADS: u32 = TILE_COLUMNS / 4;

// Indexed by an inner position, known when the kernel is compiled, then by a quad of rows / columns: so the bound checks that
// hosts add fall away or are the same in all turns.
var<workgroup> left_tile: array<array<vec4f, LEFT_QUADS>, TILE_INNER>;
var<workgroup> right_tile: array<array<vec4f, RIGHT_QUADS>, TILE_INNER>;
//! if NORM
// By a part of the inner positions and a quad of rows.
var<workgroup> row_squares: array<array<vec4f, LEFT_QUADS>, 4>;
//! end

//! if HALF
// Products of half precision: rounded here, once an element of the tile, and not where they are multiplied.
fn rounded(values: vec4f) -> vec4f { return vec4f(vec4<f16>(values)); }
//! else
fn rounded(values: vec4f) -> vec4f { return values; }
//! end

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = product_size();
  let place = place_of(group.y * groups.x + group.x, size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;
  let end = place.end;

  // What a thread carries from memory to the tiles: of each side four quads along the inner dimension, of four neighbouring rows
  // / columns, by the first / last threads where a side needs fewer than there are; or, where rows / columns lie side by side,
  // quads of them at several inner positions. Eight threads side by side write quads side by side: no two to one memory bank.
//! if LEFT_ALONG
  let left_quad = thread % LEFT_QUADS;
  let left_inner = thread / LEFT_QUADS;
  let left_from = left_start(min(first_row + left_quad * 4, size.x - 1));
//! if LEFT_SUMS
  // Of inner positions 8 apart each, whatever the tile's shape.
  var left_sums: array<vec4f, LEFT_CLASSES>;
//! end
//! else
  let left_block = thread % TILE_ROWS;
  let left_quad = left_block % 8 + left_block / 32 * 8;
  let left_inner = left_block / 8 % 4 * 4;
//! repeat i 4
  let left_from_$i = left_start(min(first_row + left_quad * 4 + $i, size.x - 1));
//! end
//! end
//! if RIGHT_ALONG
  let right_quad = thread % RIGHT_QUADS;
  let right_inner = thread / RIGHT_QUADS;
  let right_from = right_start(tile, right_quad * 4);
//! else
  let right_block = thread % TILE_COLUMNS;
  let right_quad = right_block % 8 + right_block / 32 * 8;
  let right_inner = right_block / 8 % 4 * 4;
//! repeat i 4
  let right_from_$i = right_start(tile, right_quad * 4 + $i);
//! end
//! end

  // Where its sums are, in quads. Eight threads, which NVIDIA's workgroup memory serves at a time, read four quads of rows and two
  // of columns, not one and eight: 3 % faster.
  let warp = thread / 32;
  let own_row = (thread >> 1) % 4 + warp / (HALF_COLUMNS / 32) * 4;
  let own_column = thread % 2 + (thread >> 3) % 4 * 2 + warp % (HALF_COLUMNS / 32) * 8;
  // The last inner position that four may be read from. (Without QUADS the fourth may lie beyond the end.)
  let last_quad = (end - 1) / 4 * 4;
//! repeat i 4
  var left_next_$i = vec4f(0);
  var right_next_$i = vec4f(0);
//! end
//! repeat r ROW_QUADS
//! repeat i 4
//! repeat h HALVES
  var sum_@4*$r+$i@_$h = vec4f(0);
//! end
//! end
//! end
//! if NORM
  var squares = vec4f(0);
  var norm_next = vec4f(0);
//! end

  for (var start = place.begin; ; start += TILE_INNER) {
//! if LEFT_ALONG
//! repeat i LEFT_LOADS
    left_next_$i = left(left_from, min(start + left_inner + $i * (THREADS / LEFT_QUADS), end - 1));
//! end
//! else
//! if LEFT_ALL
    {
//! else
    if (thread < TILE_ROWS) {
//! end
      let inner = min(start + left_inner, last_quad);
//! repeat i 4
      left_next_$i = left(left_from_$i, inner);
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat i RIGHT_LOADS
    right_next_$i = right(right_from, right_quad * 4, min(start + right_inner + $i * (THREADS / RIGHT_QUADS), end - 1));
//! end
//! else
//! if RIGHT_ALL
    {
//! else
    if (thread >= THREADS - TILE_COLUMNS) {
//! end
      let inner = min(start + right_inner, last_quad);
//! repeat i 4
      right_next_$i = right(right_from_$i, right_quad * 4 + $i, inner);
//! end
//! if NORM
      norm_next = norm_quad(inner);
//! end
    }
//! end

    if (start > place.begin) {
//! repeat k 16
      {
//! repeat r ROW_QUADS
        let rows_$r = left_tile[$k][$r * (LEFT_QUADS / ROW_QUADS) + own_row];
//! end
//! repeat h HALVES
        let columns_$h = right_tile[$k][$h * (RIGHT_QUADS / HALVES) + own_column];
//! end
//! repeat h HALVES
//! repeat r ROW_QUADS
//! repeat i 4
        sum_@4*$r+$i@_$h = fma(vec4f(rows_$r[$i]), columns_$h, sum_@4*$r+$i@_$h);
//! end
//! end
//! end
      }
//! end
    }
    if (start >= end) { break; }
    workgroupBarrier();

//! if LEFT_ALONG
//! repeat i LEFT_LOADS
    {
      let inner = left_inner + $i * (THREADS / LEFT_QUADS);
      let values = select(vec4f(0), left_next_$i, start + inner < end);
      left_tile[inner][left_quad] = rounded(values);
//! if LEFT_SUMS
      left_sums[$i % LEFT_CLASSES] += values;
//! end
    }
//! end
//! else
//! if LEFT_ALL
    {
//! else
    if (thread < TILE_ROWS) {
//! end
//! repeat i 4
      {
        let values = select(
          vec4f(0), vec4f(left_next_0[$i], left_next_1[$i], left_next_2[$i], left_next_3[$i]), start + left_inner + $i < end);
//! if NORM
        squares = fma(values, values, squares);
//! end
        left_tile[left_inner + $i][left_quad] = rounded(values);
      }
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat i RIGHT_LOADS
    right_tile[right_inner + $i * (THREADS / RIGHT_QUADS)][right_quad] = rounded(right_next_$i);
//! end
//! else
//! if RIGHT_ALL
    {
//! else
    if (thread >= THREADS - TILE_COLUMNS) {
//! end
//! repeat i 4
      {
        let values = vec4f(right_next_0[$i], right_next_1[$i], right_next_2[$i], right_next_3[$i]);
//! if NORM
        right_tile[right_inner + $i][right_quad] = rounded(values * norm_next[$i]);
//! else
        right_tile[right_inner + $i][right_quad] = rounded(values);
//! end
      }
//! end
    }
//! end
    workgroupBarrier();
  }

//! if LEFT_ALONG
//! if LEFT_SUMS
  workgroupBarrier();
//! repeat c LEFT_CLASSES
  left_tile[left_inner + $c * (THREADS / LEFT_QUADS)][left_quad] = left_sums[$c];
//! end
  workgroupBarrier();
  if (tile == 0 && thread < LEFT_QUADS) {
    var total = vec4f(0);
//! repeat i 8
    total += left_tile[$i][thread];
//! end
    if (first_row + thread * 4 < size.x) { finish_left(first_row + thread * 4, total); }
  }
//! end
//! end
//! if NORM
//! if LEFT_ALL
  row_squares[left_inner / 4][left_quad] = squares;
//! else
  if (thread < TILE_ROWS) { row_squares[left_inner / 4][left_quad] = squares; }
//! end
  workgroupBarrier();
//! repeat r ROW_QUADS
  {
    let quad = $r * (LEFT_QUADS / ROW_QUADS) + own_row;
    let total = row_squares[0][quad] + row_squares[1][quad] + row_squares[2][quad] + row_squares[3][quad];
    let scales = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! repeat i 4
//! repeat h HALVES
    sum_@4*$r+$i@_$h *= scales[$i];
//! end
//! end
  }
//! end
//! end

//! repeat r ROW_QUADS
//! repeat i 4
  {
    let row = first_row + ($r * (LEFT_QUADS / ROW_QUADS) + own_row) * 4 + $i;
//! if WIDE
    if (row < size.x) { finish(row, tile, own_column * 4, sum_@4*$r+$i@_0, sum_@4*$r+$i@_1); }
//! else
    if (row < size.x) { finish(row, tile, own_column * 4, sum_@4*$r+$i@_0, vec4f(0)); }
//! end
  }
//! end
//! end
}
