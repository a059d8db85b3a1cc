// A tile of sums (product.wgsl) in registers: 64 threads, each 4 * ROW_HALVES rows x 4 * HALVES columns.

const TILE_INNER: u32 = 16;

//! if HALF
alias Quad = vec4<f16>;
//! else
alias Quad = vec4f;
//! end

//! if NORM
var<workgroup> row_squares: array<vec4f, 64>;
//! end
// The first index is known when the kernel is compiled wherever tiles are read: what is left to check is the same in all turns.
var<workgroup> left_tile: array<array<Quad, 8 * ROW_HALVES>, 16>;
var<workgroup> right_tile: array<array<Quad, 8 * HALVES>, 16>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = product_size();
  let place = place_of(group.y * groups.x + group.x, size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;
  let begin = place.begin;
  let end = place.end;

//! if LEFT_ALONG
  let left_quad = thread % (8 * ROW_HALVES);
  let left_inner = thread / (8 * ROW_HALVES);
  let left_from = left_start(min(first_row + left_quad * 4, size.x - 1));
//! else
  let left_quad = thread % 8 + thread / 32 * 8;
  let left_inner = thread / 8 % 4 * 4;
//! repeat i 4
  let left_from_$i = left_start(min(first_row + left_quad * 4 + $i, size.x - 1));
//! end
//! end
//! if RIGHT_ALONG
  let right_quad = thread % (8 * HALVES);
  let right_inner = thread / (8 * HALVES);
  let right_from = right_start(tile, right_quad * 4);
//! else
  let right_quad = thread % 8 + thread / 32 * 8;
  let right_inner = thread / 8 % 4 * 4;
//! repeat i 4
  let right_from_$i = right_start(tile, right_quad * 4 + $i);
//! end
//! end

  // The last inner position that four may be read from. (Without QUADS the fourth may lie beyond the end.)
  let last_quad = (end - 1) / 4 * 4;
  let thread_column = thread % 8;
  let thread_row = thread / 8;
//! repeat i 4
  var left_next_$i = vec4f(0);
  var right_next_$i = vec4f(0);
//! end
//! repeat i 16
  var sum_$i = vec4f(0);
//! end
//! if NORM
  var squares = vec4f(0);
  var weights_next = vec4f(0);
//! end

  for (var start = begin; ; start += TILE_INNER) {
    // Fetched without a condition, so that all are on their way at once; what lies beyond the end is put right at the tile.
//! if LEFT_ALONG
//! repeat h ROW_HALVES
//! repeat i 2
    left_next_@2*$h+$i@ = left(left_from, min(start + left_inner + ($h * 2u + $i) * (8 / ROW_HALVES), end - 1));
//! end
//! end
//! else
    if (left_quad < 8 * ROW_HALVES) {
      let inner = min(start + left_inner, last_quad);
//! repeat i 4
      left_next_$i = left(left_from_$i, inner);
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat h HALVES
//! repeat i 2
    right_next_@2*$h+$i@ = right(right_from, right_quad * 4, min(start + right_inner + ($h * 2u + $i) * (8 / HALVES), end - 1));
//! end
//! end
//! else
    if (right_quad < 8 * HALVES) {
      let inner = min(start + right_inner, last_quad);
//! repeat i 4
      right_next_$i = right(right_from_$i, right_quad * 4 + $i, inner);
//! end
//! if NORM
      weights_next = norm_quad(inner);
//! end
    }
//! end

    if (start > begin) {
//! repeat step 16
      {
//! repeat half ROW_HALVES
        let rows_$half = vec4f(left_tile[$step][$half * 8u + thread_row]);
//! end
//! repeat h HALVES
        let columns_$h = vec4f(right_tile[$step][$h * 8u + thread_column]);
//! end
//! repeat h HALVES
//! repeat half ROW_HALVES
//! repeat r 4
        sum_@8*$h+4*$half+$r@ = fma(vec4f(rows_$half[$r]), columns_$h, sum_@8*$h+4*$half+$r@);
//! end
//! end
//! end
      }
//! end
    }
    if (start >= end) { break; }
    workgroupBarrier();

//! if LEFT_ALONG
//! repeat h ROW_HALVES
//! repeat i 2
    left_tile[left_inner + ($h * 2u + $i) * (8 / ROW_HALVES)][left_quad] =
      Quad(select(vec4f(0), left_next_@2*$h+$i@, start + left_inner + ($h * 2u + $i) * (8 / ROW_HALVES) < end));
//! end
//! end
//! else
    if (left_quad < 8 * ROW_HALVES) {
//! repeat i 4
      {
        let values = select(
          vec4f(0), vec4f(left_next_0[$i], left_next_1[$i], left_next_2[$i], left_next_3[$i]), start + left_inner + $i < end);
//! if NORM
        squares = fma(values, values, squares);
//! end
        left_tile[left_inner + $i][left_quad] = Quad(values);
      }
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat h HALVES
//! repeat i 2
    right_tile[right_inner + ($h * 2u + $i) * (8 / HALVES)][right_quad] = Quad(right_next_@2*$h+$i@);
//! end
//! end
//! else
    if (right_quad < 8 * HALVES) {
//! repeat i 4
//! if NORM
      right_tile[right_inner + $i][right_quad] =
        Quad(vec4f(right_next_0[$i], right_next_1[$i], right_next_2[$i], right_next_3[$i]) * weights_next[$i]);
//! else
      right_tile[right_inner + $i][right_quad] =
        Quad(vec4f(right_next_0[$i], right_next_1[$i], right_next_2[$i], right_next_3[$i]));
//! end
//! end
    }
//! end
    workgroupBarrier();
  }

//! if NORM
  // row quad q's squares: of threads with left_quad q, four inner parts: thread = q % 8 + part * 8 + q / 8 * 32.
  row_squares[thread] = squares;
  workgroupBarrier();
//! repeat half ROW_HALVES
  {
    let first = thread_row + $half * 32;
    let total = row_squares[first] + row_squares[first + 8] + row_squares[first + 16] + row_squares[first + 24];
    let scales = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! repeat h HALVES
//! repeat r 4
    sum_@8*$h+4*$half+$r@ *= scales[$r];
//! end
//! end
  }
//! end
//! end

//! repeat half ROW_HALVES
//! repeat r 4
  {
    let row = first_row + $half * 32 + thread_row * 4 + $r;
    if (row < size.x) { finish(row, tile, thread_column * 4, sum_@4*$half+$r@, sum_@8+4*$half+$r@); }
  }
//! end
//! end
}
