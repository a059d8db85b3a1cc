// Part of product_registers.wgsl: puts the elements of the turn that begins at `start` into the tiles, quads of rows / columns side
// by side. Zeros on the left are enough for what lies beyond the end.
//! if LEFT_ALONG
//! repeat i LEFT_LOADS
    {
      let inner = left_inner + $i * (THREADS / LEFT_QUADS);
      left_tile[inner][left_quad] = select(vec4f(0), rounded(left_next_$i), start + inner < end);
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
