// A tile of sums (product.wgsl) in registers: each thread computes 4 * ROW_VEC4S rows x 4 * HALVES columns of it.
//
// A step loads TILE_INNER inner positions into workgroup memory and multiplies them. Its loads have no condition, so that all are
// under way at once: indices are clamped, and elements beyond the end become zero when they are stored into the tile. They are
// not issued before the previous step is multiplied, because that takes registers, and other workgroups hide the latency: a loop
// with early loads was 6 % slower on an H200, norms included.
//
// With UNROLLED the inner positions of a step are multiplied one after the other in the text, and both sides are loaded at once,
// which GPUs need whose threads have 255 registers. Where they have 128, compilers would move hundreds of values to memory and back:
// there positions are multiplied in a loop, which has as few values at a time as the sums leave room for, and the right side is
// loaded when the left one has been stored. Software adapters compile that in half the time, too, and run it as fast.
//
// With WHOLE_STEPS no step reaches beyond the end, so nothing is clamped; and the places that a thread reads from, where a side
// lies along the inner dimension, move on from step to step.

const TILE_INNER: u32 = 16;
const LEFT_VEC4S: u32 = TILE_ROWS / 4;
const RIGHT_VEC4S: u32 = TILE_COLUMNS / 4;

// Indexed by an inner position, known at compile time, then by a vec4 of rows / columns, so that the bounds checks that hosts add
// vanish or are the same in all steps.
var<workgroup> left_tile: array<array<vec4f, LEFT_VEC4S>, TILE_INNER>;
var<workgroup> right_tile: array<array<vec4f, RIGHT_VEC4S>, TILE_INNER>;
//! if NORM
// Indexed by a part of the inner positions and a vec4 of rows.
var<workgroup> row_squares: array<array<vec4f, LEFT_VEC4S>, 4>;
//! end

//! if HALF
// With HALF the factors are rounded here, once per element of the tile, and not where they are multiplied. A compiler may leave the
// rounding out, as Mesa's does since version 25: products are then as exact as in float32.
fn rounded(values: vec4f) -> vec4f { return vec4f(vec4<f16>(values)); }
//! else
fn rounded(values: vec4f) -> vec4f { return values; }
//! end

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let size = product_size();
  let place = place_of(workgroup_number(group, groups), size);
  if (place.begin >= place.end) { return; }
  let first_row = place.first_row;
  let tile = place.tile;
  let end = place.end;

  // What a thread loads from memory for the tiles: of each side four vec4s along the inner dimension, of four neighbouring rows /
  // columns (only the first / last threads load if a side needs fewer than there are); or, if rows / columns are contiguous,
  // vec4s of them at several inner positions. Eight neighbouring threads write neighbouring vec4s, without bank conflicts. The
  // remainders change nothing: they tell compilers that indices are in bounds, which spares a clamp with every use.
//! if LEFT_ALONG
  let left_vec4 = thread % LEFT_VEC4S;
  let left_inner = thread / LEFT_VEC4S % (THREADS / LEFT_VEC4S);
  let left_from = left_start(min(first_row + left_vec4 * 4, size.x - 1));
//! if LEFT_SUMS
  // Each sum covers inner positions that are 8 apart, whatever the tile's shape.
  var left_sums: array<vec4f, LEFT_CLASSES>;
//! end
//! else
  let left_block = thread % TILE_ROWS;
  let left_vec4 = left_block % 8 + left_block / 32 * 8;
  let left_inner = left_block / 8 % 4 * 4;
//! repeat i 4
//! if WHOLE_STEPS
  var left_from_$i = left_start(min(first_row + left_vec4 * 4 + $i, size.x - 1)) + (left_inner >> STORED_SHIFT);
//! else
  let left_from_$i = left_start(min(first_row + left_vec4 * 4 + $i, size.x - 1));
//! end
//! end
//! end
//! if RIGHT_ALONG
  let right_vec4 = thread % RIGHT_VEC4S;
  let right_inner = thread / RIGHT_VEC4S % (THREADS / RIGHT_VEC4S);
  let right_from = right_start(tile, right_vec4 * 4);
//! else
  let right_block = thread % TILE_COLUMNS;
  let right_vec4 = right_block % 8 + right_block / 32 * 8;
  let right_inner = right_block / 8 % 4 * 4;
//! repeat i 4
//! if WHOLE_STEPS
  var right_from_$i = right_start(tile, right_vec4 * 4 + $i) + (right_inner >> RIGHT_SHIFT);
//! else
  let right_from_$i = right_start(tile, right_vec4 * 4 + $i);
//! end
//! end
//! end

  // The position of the thread's sums, in vec4s. Eight threads, which NVIDIA's workgroup memory serves at a time, read four vec4s
  // of rows and two of columns, not one and eight: 3 % faster.
  let warp = thread / 32 % (THREADS / 32);
  let own_row = (thread >> 1) % 4 + warp / (HALF_COLUMNS / 32) * 4;
  let own_column = thread % 2 + (thread >> 3) % 4 * 2 + warp % (HALF_COLUMNS / 32) * 8;
  // The last inner position that a vec4 may be read from. (Without VEC4 its fourth element may lie beyond the end.)
  let last_vec4 = (end - 1) / 4 * 4;
//! repeat i 4
  var left_next_$i = vec4f(0);
  var right_next_$i = vec4f(0);
//! end
//! repeat r ROW_VEC4S
//! repeat i 4
//! repeat h HALVES
  var sum_@4*$r+$i@_$h = vec4f(0);
//! end
//! end
//! end
//! if NORM
  var squares = vec4f(0);
//! end

  for (var start = place.begin; start < end; start += TILE_INNER) {
//! if LEFT_ALONG
//! repeat i LEFT_LOADS
//! if WHOLE_STEPS
    left_next_$i = left(left_from, start + left_inner + $i * (THREADS / LEFT_VEC4S));
//! else
    left_next_$i = left(left_from, min(start + left_inner + $i * (THREADS / LEFT_VEC4S), end - 1));
//! end
//! end
//! else
//! if LEFT_ALL
    {
//! else
    if (thread < TILE_ROWS) {
//! end
//! if WHOLE_STEPS
//! repeat i 4
//! if SPLIT_LEFT
      left_next_$i = left_of_step(left_from_$i, start);
//! else
      left_next_$i = left(left_from_$i, 0);
//! end
      left_from_$i += TILE_INNER >> STORED_SHIFT;
//! end
//! else
      let inner = min(start + left_inner, last_vec4);
//! repeat i 4
      left_next_$i = left(left_from_$i, inner);
//! end
//! end
    }
//! end
//! if UNROLLED
//! include product_right_loads.wgsl
//! end

    // The previous step's tiles have been read.
    workgroupBarrier();

//! if LEFT_ALONG
//! repeat i LEFT_LOADS
    {
      let inner = left_inner + $i * (THREADS / LEFT_VEC4S);
//! if WHOLE_STEPS
      let values = left_next_$i;
//! else
      let values = select(vec4f(0), left_next_$i, start + inner < end);
//! end
      left_tile[inner][left_vec4] = rounded(values);
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
        let loaded = vec4f(left_next_0[$i], left_next_1[$i], left_next_2[$i], left_next_3[$i]);
//! if WHOLE_STEPS
        let values = loaded;
//! else
        let values = select(vec4f(0), loaded, start + left_inner + $i < end);
//! end
//! if NORM
        squares = fma(values, values, squares);
//! end
//! if LEFT_HALF
        left_tile[left_inner + $i][left_vec4] = values;
//! else
        left_tile[left_inner + $i][left_vec4] = rounded(values);
//! end
      }
//! end
    }
//! end
//! if UNROLLED
//! else
//! include product_right_loads.wgsl
//! end
//! if RIGHT_ALONG
//! repeat i RIGHT_LOADS
    right_tile[right_inner + $i * (THREADS / RIGHT_VEC4S)][right_vec4] = rounded(right_next_$i);
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
        right_tile[right_inner + $i][right_vec4] = rounded(values);
      }
//! end
    }
//! end
    workgroupBarrier();

//! if UNROLLED
//! include product_step.wgsl 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
//! else
    for (var k = 0u; k < TILE_INNER; k++) {
//! include product_step.wgsl k
    }
//! end
  }

//! if TAIL
//! include product_tail.wgsl
//! end

//! if LEFT_ALONG
//! if LEFT_SUMS
  workgroupBarrier();
//! repeat c LEFT_CLASSES
  left_tile[left_inner + $c * (THREADS / LEFT_VEC4S)][left_vec4] = left_sums[$c];
//! end
  workgroupBarrier();
  if (tile == 0 && thread < LEFT_VEC4S) {
    var total = vec4f(0);
//! repeat i 8
    total += left_tile[$i][thread];
//! end
    if (first_row + thread * 4 < size.x) { left_epilogue(first_row + thread * 4, total); }
  }
//! end
//! end
//! if NORM
//! if LEFT_ALL
  row_squares[left_inner / 4][left_vec4] = squares;
//! else
  if (thread < TILE_ROWS) { row_squares[left_inner / 4][left_vec4] = squares; }
//! end
  workgroupBarrier();
//! repeat r ROW_VEC4S
  {
    let item = $r * (LEFT_VEC4S / ROW_VEC4S) + own_row;
    let total = row_squares[0][item] + row_squares[1][item] + row_squares[2][item] + row_squares[3][item];
    let scales = 1.0 / sqrt(total / f32(size.z) + RMS_EPSILON);
//! repeat i 4
//! repeat h HALVES
    sum_@4*$r+$i@_$h *= scales[$i];
//! end
//! end
  }
//! end
//! end

//! if LAYER_NORM
//! include product_layer_norm.wgsl
//! end

//! repeat r ROW_VEC4S
//! repeat i 4
  {
    let row = first_row + ($r * (LEFT_VEC4S / ROW_VEC4S) + own_row) * 4 + $i;
//! if WIDE
    if (row < size.x) { epilogue(row, tile, own_column * 4, sum_@4*$r+$i@_0, sum_@4*$r+$i@_1); }
//! else
    if (row < size.x) { epilogue(row, tile, own_column * 4, sum_@4*$r+$i@_0, vec4f(0)); }
//! end
  }
//! end
//! end
}
