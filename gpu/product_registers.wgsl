// A tile of sums (product.wgsl) in registers: each thread has 4 * ROW_QUADS rows x 4 * HALVES columns of it.
//
// A turn multiplies TILE_INNER inner positions that lie in workgroup memory, while the elements of the next turn are on their way
// from memory. Loads are asked for without a condition, at clamped places, and the loop has no branch: NVIDIA's compiler moves
// a load behind the branches between it and its use, and then every turn waits for memory. What lies beyond the end becomes
// zero when it is put into the tile; the last turn's loads are of no use.

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

  var start = place.begin;
//! include product_fetch.wgsl
//! include product_keep.wgsl
  workgroupBarrier();
  loop {
    start += TILE_INNER;
//! include product_fetch.wgsl
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
    workgroupBarrier();
//! include product_keep.wgsl
    workgroupBarrier();
    continuing { break if start >= end; }
  }

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
