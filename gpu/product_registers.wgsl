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
// An inner position's quads of rows / columns lie side by side, from tile_at(inner position) on.
var<workgroup> left_tile: array<Quad, 274>;
var<workgroup> right_tile: array<Quad, 274>;

// 16 quads a position, with gaps: without them the stores of neighbouring threads fall into the same memory banks. Those threads
// hold positions 4 apart: 4 * 17 quads from one to the next, and two more after every second, take each to banks of its own.
fn tile_at(inner: u32) -> u32 { return inner * 17 + inner / 8 * 2; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = product_size();
  let place = place_of(group.y * groups.x + group.x, size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;
  let begin = place.begin;
  let end = place.end;

  // What a thread carries from memory to the tiles: four quads of each side along the inner dimension, of four neighbouring rows
  // / columns; or, where those lie side by side, quads of them at several inner positions. Threads side by side read what lies
  // side by side. Of a tile's side that is only 32 long, half the threads carry all, or all carry half as much.
//! if LEFT_ALONG
  let left_quad = thread % (8 * ROW_HALVES);
  let left_inner = thread / (8 * ROW_HALVES);
  let left_from = left_start(min(first_row + left_quad * 4, size.x - 1));
//! else
  let left_quad = thread / 4;
  let left_inner = thread % 4 * 4;
//! repeat i 4
  let left_from_$i = left_start(min(first_row + left_quad * 4 + $i, size.x - 1));
//! end
//! end
//! if RIGHT_ALONG
  let right_quad = thread % (8 * HALVES);
  let right_inner = thread / (8 * HALVES);
  let right_from = right_start(tile, right_quad * 4);
//! else
  let right_quad = thread / 4;
  let right_inner = thread % 4 * 4;
//! repeat i 4
  let right_from_$i = right_start(tile, right_quad * 4 + $i);
//! end
//! end

  let thread_column = thread % 8;
  let thread_row = thread / 8;
  var left_next: array<vec4f, 4>;
  var right_next: array<vec4f, 4>;
  var sum: array<vec4f, 16>;
//! if NORM
  var squares = vec4f(0);
//! end

  // Each turn fetches numbers from memory and multiplies those of the turn before while they are on their way.
  for (var start = begin; ; start += TILE_INNER) {
//! if LEFT_ALONG
//! repeat h ROW_HALVES
//! repeat i 2
    {
      let inner = start + left_inner + ($h * 2u + $i) * (8 / ROW_HALVES);
      left_next[$h * 2 + $i] = vec4f(0);
      if (inner < end) { left_next[$h * 2 + $i] = left(left_from, inner); }
    }
//! end
//! end
//! else
    if (left_quad < 8 * ROW_HALVES) {
      let inner = start + left_inner;
//! repeat i 4
      left_next[$i] = vec4f(0);
//! end
      if (inner < end) {
//! repeat i 4
        left_next[$i] = until(end, inner, left(left_from_$i, inner));
//! end
      }
    }
//! end
//! if RIGHT_ALONG
//! repeat h HALVES
//! repeat i 2
    {
      let inner = start + right_inner + ($h * 2u + $i) * (8 / HALVES);
      right_next[$h * 2 + $i] = vec4f(0);
      if (inner < end) { right_next[$h * 2 + $i] = right(right_from, right_quad * 4, inner); }
    }
//! end
//! end
//! else
    if (right_quad < 8 * HALVES) {
      let inner = start + right_inner;
//! repeat i 4
      right_next[$i] = vec4f(0);
//! end
      if (inner < end) {
//! repeat i 4
        right_next[$i] = until(end, inner, right(right_from_$i, right_quad * 4 + $i, inner));
//! end
      }
    }
//! end

    if (start > begin) {
      for (var k = 0u; k < TILE_INNER; k += 4) {
//! repeat step 4
        {
          let at = tile_at(k + $step);
//! repeat half ROW_HALVES
          let rows_$half = vec4f(left_tile[at + $half * 8u + thread_row]);
//! end
//! repeat h HALVES
          let columns_$h = vec4f(right_tile[at + $h * 8u + thread_column]);
//! end
//! repeat h HALVES
//! repeat half ROW_HALVES
//! repeat r 4
          sum[$h * 8 + $half * 4 + $r] = fma(vec4f(rows_$half[$r]), columns_$h, sum[$h * 8 + $half * 4 + $r]);
//! end
//! end
//! end
        }
//! end
      }
    }
    if (start >= end) { break; }
    workgroupBarrier();

//! if LEFT_ALONG
//! repeat h ROW_HALVES
//! repeat i 2
    left_tile[tile_at(left_inner + ($h * 2u + $i) * (8 / ROW_HALVES)) + left_quad] = Quad(left_next[$h * 2 + $i]);
//! end
//! end
//! else
    if (left_quad < 8 * ROW_HALVES) {
//! repeat i 4
      {
        let values = vec4f(left_next[0][$i], left_next[1][$i], left_next[2][$i], left_next[3][$i]);
//! if NORM
        squares = fma(values, values, squares);
//! end
        left_tile[tile_at(left_inner + $i) + left_quad] = Quad(values);
      }
//! end
    }
//! end
//! if RIGHT_ALONG
//! repeat h HALVES
//! repeat i 2
    right_tile[tile_at(right_inner + ($h * 2u + $i) * (8 / HALVES)) + right_quad] = Quad(right_next[$h * 2 + $i]);
//! end
//! end
//! else
    if (right_quad < 8 * HALVES) {
//! repeat i 4
      right_tile[tile_at(right_inner + $i) + right_quad] =
        Quad(vec4f(right_next[0][$i], right_next[1][$i], right_next[2][$i], right_next[3][$i]));
//! end
    }
//! end
    workgroupBarrier();
  }

//! if NORM
  // Threads 4 q .. 4 q + 3 have the squares of the rows of quad q, a part of the inner dimension each.
  row_squares[thread] = squares;
  workgroupBarrier();
//! repeat half ROW_HALVES
  {
    let first = (thread_row + $half * 8) * 4;
    let total = row_squares[first] + row_squares[first + 1] + row_squares[first + 2] + row_squares[first + 3];
    let scales = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! repeat h HALVES
//! repeat r 4
    sum[$h * 8 + $half * 4 + $r] *= scales[$r];
//! end
//! end
  }
//! end
//! end

//! repeat half ROW_HALVES
//! repeat r 4
  {
    let row = first_row + $half * 32 + thread_row * 4 + $r;
    if (row < size.x) { finish(row, tile, thread_column * 4, sum[$half * 4 + $r], sum[8 + $half * 4 + $r]); }
  }
//! end
//! end
}
