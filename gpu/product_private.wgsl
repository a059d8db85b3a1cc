// A tile of sums (product.wgsl) on a CPU that emulates a GPU four threads at a time. These four are the workgroup: each computes
// all columns of 16 of the 64 rows.
//
// There arithmetic on the values of four threads is one instruction, but a load or store at a computed index takes eighty, a
// check and a branch for each of the four, in any kind of memory (SwiftShader's Subzero). So values are passed between threads by
// broadcast, not through workgroup memory, and each loaded value is used for all columns, or all 64 rows, of the tile.

const COLUMN_VEC4S: u32 = 8 * HALVES;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let size = product_size();
  let place = place_of(workgroup_number(group, groups), size);
  if (place.begin >= place.end) { return; }
  let tile = place.tile;
  let end = place.end;
  let first_row = place.first_row + thread * 16;

  // A row's elements at four inner positions.
  var rows: array<vec4f, 16>;
  // Elements of four columns each: a thread has one of the four at four inner positions, or with RIGHT_ALONG all four at one.
  var columns: array<vec4f, 16>;
  // Indexed by row, then by vec4 of columns.
  var sum: array<vec4f, 16 * COLUMN_VEC4S>;
//! if NORM
  var squares: array<vec4f, 16>;
//! end
//! if LEFT_ALONG
//! if LEFT_SUMS
  var left_sums: array<vec4f, 16>;
//! end
//! end

  for (var inner = place.begin; inner < end; inner += 4) {
//! if LEFT_ALONG
    for (var i = 0u; i < 16; i++) {
      let first = i & 12;
      var values = vec4f(0);
      if (inner + (i & 3) < end) { values = left(left_start(min(first_row + first, size.x - 1)), inner + (i & 3)); }
//! repeat r 4
      rows[first + $r][i & 3] = values[$r];
//! end
    }
//! if LEFT_SUMS
//! repeat r 16
    left_sums[$r] += rows[$r];
//! end
//! end
//! else
    for (var r = 0u; r < 16; r++) {
      rows[r] = until(end, inner, left(left_start(min(first_row + r, size.x - 1)), inner));
    }
//! end
    for (var item = 0u; item < COLUMN_VEC4S; item++) {
//! if RIGHT_ALONG
      let own = inner + (lane & 3);
      var values = vec4f(0);
      if (own < end) { values = right(right_start(tile, item << 2), own); }
      columns[item] = values;
//! else
      let column = (item << 2) + (lane & 3);
//! if NORM
      columns[item] = until(end, inner, right(right_start(tile, column), inner) * norm_vec4(inner));
//! else
      columns[item] = until(end, inner, right(right_start(tile, column), inner));
//! end
//! end
    }
//! if NORM
//! repeat r 16
    squares[$r] = fma(rows[$r], rows[$r], squares[$r]);
//! end
//! end
//! repeat i 4
//! repeat h HALVES
//! repeat q 8
    {
//! if RIGHT_ALONG
      let right_values = quadBroadcast(columns[$h * 8 + $q], $i);
//! else
      let own = columns[$h * 8 + $q][$i];
      let right_values = vec4f(quadBroadcast(own, 0), quadBroadcast(own, 1), quadBroadcast(own, 2), quadBroadcast(own, 3));
//! end
//! repeat r 16
      sum[$r * COLUMN_VEC4S + $h * 8 + $q] = fma(vec4f(rows[$r][$i]), right_values, sum[$r * COLUMN_VEC4S + $h * 8 + $q]);
//! end
    }
//! end
//! end
//! end
  }

//! if LEFT_ALONG
//! if LEFT_SUMS
  if (tile == 0) {
//! repeat q 4
    if (first_row + $q * 4 < size.x) {
      left_epilogue(first_row + $q * 4, vec4f(
        dot(left_sums[$q * 4], vec4f(1)), dot(left_sums[$q * 4 + 1], vec4f(1)),
        dot(left_sums[$q * 4 + 2], vec4f(1)), dot(left_sums[$q * 4 + 3], vec4f(1))));
    }
//! end
  }
//! end
//! end
  // A copy of as many rows at a time as 8192 bytes hold, which WGSL guarantees: only this array has to lie in memory to be read at
  // computed indices.
  var result: array<vec4f, 128>;
//! repeat part HALVES
//! repeat r PART_ROWS
  {
//! if NORM
    let scale = 1.0 / sqrt(dot(squares[$part * PART_ROWS + $r], vec4f(1)) / f32(size.z) + RMS_EPSILON);
//! else
    let scale = 1.0;
//! end
//! repeat h HALVES
//! repeat q 8
    result[$r * COLUMN_VEC4S + $h * 8 + $q] = sum[($part * PART_ROWS + $r) * COLUMN_VEC4S + $h * 8 + $q] * scale;
//! end
//! end
  }
//! end
  for (var r = 0u; r < PART_ROWS; r++) {
    let row = first_row + $part * PART_ROWS + r;
    if (row >= size.x) { break; }
    for (var item = 0u; item < 8; item++) {
      let at = r * COLUMN_VEC4S + item;
      epilogue(row, tile, item * 4, result[at], result[at + COLUMN_VEC4S - 8]);
    }
  }
//! end
}
