// Part of product_registers.wgsl: asks memory for the elements of the turn that begins at `start`.
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
