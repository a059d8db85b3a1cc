// The core of every matrix product: one workgroup computes a tile of TILE_ROWS x (32 * HALVES) sums
//
//     sum[row, column] = sum over inner of left(row, inner) * right(column, inner)
//
// 64 threads, each 8 rows x 4 * HALVES columns in registers. The inner dimension runs in order, so a sum's bits do not
// depend on the tile's shape. The file that includes this one says what is multiplied and what is done with a sum:
//
//     fn product_size() -> vec4u                                  rows, columns, inner, inner of one part (columns in tiles' columns)
//     fn left(row: u32, inner: u32) -> f32                        row < rows, inner < inner size
//     fn right(tile: u32, column: u32, inner: u32) -> f32         column inside the tile, to be checked against the columns
//     fn finish(row: u32, tile: u32, column: u32, low: vec4f, high: vec4f)
//
// With NORM the rows of left are RMS-normalised: the squares of what passes through the tiles are added up on the way, and
// every sum is multiplied by its row's 1 / sqrt(mean of squares + 2^-23) (spec: eps is float32's machine epsilon).
// Threads that lie side by side read left and right along the inner dimension, or, with LEFT_ALONG / RIGHT_ALONG, along
// the rows / columns: whichever lies side by side in memory.
// A product whose inner dimension is long and whose result is small is taken in parts of the inner dimension, each a set of
// workgroups of its own; `part` says which one runs. The others have a single part.
// With HALF the tiles hold half precision: what is multiplied is rounded to 11 bits, the sums stay in float32.
// finish gets four neighbouring columns of the tile's first 32 columns in `low`, and the four 32 columns further in `high`.

const TILE_ROWS: u32 = 64;
const TILE_COLUMNS: u32 = 32 * HALVES;
const TILE_INNER: u32 = 16;
// One more than the 16 quads of a row of the tile: without it all stores of a warp fall into one memory bank.
const TILE_STRIDE: u32 = 17;

//! if HALF
alias Quad = vec4<f16>;
//! else
alias Quad = vec4f;
//! end

//! if NORM
const RMS_EPSILON: f32 = 1.1920928955078125e-7;
var<workgroup> row_squares: array<vec4f, 256>;
//! end
var<private> part: u32;
var<workgroup> left_tile: array<Quad, 272>;
var<workgroup> right_tile: array<Quad, 272>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = product_size();
  let column_tiles = (size.y + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let index = group.y * groups.x + group.x;
  let tiles = column_tiles * ((size.x + TILE_ROWS - 1) / TILE_ROWS);
  let tile_index = index % tiles;
  // Not `part` itself, which a compiler need not see to be the same for all threads of the group.
  let own_part = index / tiles;
  part = own_part;
  let first_row = (tile_index / column_tiles) * TILE_ROWS;
  let tile = tile_index % column_tiles;
  if (own_part * size.w >= size.z) { return; }

  let thread_column = thread % 8;
  let thread_row = thread / 8;
  var sum: array<vec4f, 16>;
//! if NORM
  var squares: array<vec4f, 4>;
//! end

  let inner_end = min(size.z, (own_part + 1) * size.w);
  for (var start = own_part * size.w; start < inner_end; start += TILE_INNER) {
//! repeat i 4
    {
      let item = thread + $i * 64u;
//! if LEFT_ALONG
      let quad = item % 16;
      let inner_in_tile = item / 16;
//! else
      let quad = item / 16;
      let inner_in_tile = item % 16;
//! end
      let row = quad * 4;
      let inner = start + inner_in_tile;
      var values = vec4f(0);
      if (inner < inner_end) {
        values = vec4f(
          left(min(first_row + row, size.x - 1), inner),
          left(min(first_row + row + 1, size.x - 1), inner),
          left(min(first_row + row + 2, size.x - 1), inner),
          left(min(first_row + row + 3, size.x - 1), inner));
      }
//! if NORM
      squares[$i] = fma(values, values, squares[$i]);
//! end
      left_tile[inner_in_tile * TILE_STRIDE + quad] = Quad(values);
    }
//! end
//! repeat h HALVES
//! repeat i 2
    {
      let item = thread + ($h * 2u + $i) * 64u;
//! if RIGHT_ALONG
      let quad = item % (8 * HALVES);
      let inner_in_tile = item / (8 * HALVES);
//! else
      let quad = item / 16;
      let inner_in_tile = item % 16;
//! end
      let column = quad * 4;
      let inner = start + inner_in_tile;
      var values = vec4f(0);
      if (inner < inner_end) {
        values = vec4f(right(tile, column, inner), right(tile, column + 1, inner), right(tile, column + 2, inner), right(tile, column + 3, inner));
      }
      right_tile[inner_in_tile * TILE_STRIDE + quad] = Quad(values);
    }
//! end
//! end
    workgroupBarrier();
    for (var k = 0u; k < TILE_INNER; k += 4) {
//! repeat step 4
    {
      let at = (k + $step) * TILE_STRIDE;
      let above = vec4f(left_tile[at + thread_row]);
      let below = vec4f(left_tile[at + 8 + thread_row]);
//! repeat h HALVES
      {
        let factor = vec4f(right_tile[at + $h * 8u + thread_column]);
        sum[$h * 8 + 0] = fma(vec4f(above.x), factor, sum[$h * 8 + 0]);
        sum[$h * 8 + 1] = fma(vec4f(above.y), factor, sum[$h * 8 + 1]);
        sum[$h * 8 + 2] = fma(vec4f(above.z), factor, sum[$h * 8 + 2]);
        sum[$h * 8 + 3] = fma(vec4f(above.w), factor, sum[$h * 8 + 3]);
        sum[$h * 8 + 4] = fma(vec4f(below.x), factor, sum[$h * 8 + 4]);
        sum[$h * 8 + 5] = fma(vec4f(below.y), factor, sum[$h * 8 + 5]);
        sum[$h * 8 + 6] = fma(vec4f(below.z), factor, sum[$h * 8 + 6]);
        sum[$h * 8 + 7] = fma(vec4f(below.w), factor, sum[$h * 8 + 7]);
      }
//! end
    }
//! end
    }
    workgroupBarrier();
  }

//! if NORM
  // Thread t has the squares of four rows at inner positions t % 16, 16 + t % 16, ...: added up in the order of t.
//! repeat i 4
  row_squares[thread + $i * 64] = squares[$i];
//! end
  workgroupBarrier();
  var scales: array<vec4f, 2>;
//! repeat half 2
  {
    var total = vec4f(0);
    for (var t = 0u; t < 16; t++) { total += row_squares[(thread_row + $half * 8) * 16 + t]; }
    scales[$half] = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
  }
//! end
//! repeat r 8
//! repeat h HALVES
  sum[$h * 8 + $r] *= scales[$r / 4][$r % 4];
//! end
//! end
//! end

//! repeat r 8
  {
    let row = first_row + thread_row * 4 + $r % 4 + ($r / 4) * 32;
    if (row < size.x) { finish(row, tile, thread_column * 4, sum[$r], sum[8 + $r]); }
  }
//! end
}
