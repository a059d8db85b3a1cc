// What a thread loads of the right side in a step (product_registers.wgsl).
//! if RIGHT_ALONG
//! repeat i RIGHT_LOADS
//! if WHOLE_STEPS
    right_next_$i = right(right_from, start + right_inner + $i * (THREADS / RIGHT_VEC4S));
//! else
    right_next_$i = right(right_from, min(start + right_inner + $i * (THREADS / RIGHT_VEC4S), end - 1));
//! end
//! end
//! else
//! if RIGHT_ALL
    {
//! else
    if (thread >= THREADS - TILE_COLUMNS) {
//! end
//! if WHOLE_STEPS
      let inner = start + right_inner;
//! repeat i 4
      right_next_$i = right(right_from_$i, 0);
      right_from_$i += TILE_INNER >> RIGHT_SHIFT;
//! end
//! else
      let inner = min(start + right_inner, last_vec4);
//! repeat i 4
      right_next_$i = right(right_from_$i, inner);
//! end
//! end
//! if NORM
      // The norm's weight is multiplied here, and not where the tile is stored: NVIDIA's compiler would move the loads behind the
      // barrier, where they begin after those of the left side have arrived.
      let weights = norm_vec4(inner);
//! repeat i 4
      right_next_$i *= weights;
//! end
//! end
    }
//! end
