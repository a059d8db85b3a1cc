// Multiplies what lies in the tiles (product_registers.wgsl) at the inner position $array and adds it to the sums.
    {
//! repeat r ROW_VEC4S
      let rows_$r = left_tile[$array][$r * (LEFT_VEC4S / ROW_VEC4S) + own_row];
//! end
//! repeat h HALVES
      let columns_$h = right_tile[$array][$h * (RIGHT_VEC4S / HALVES) + own_column];
//! end
//! repeat h HALVES
//! repeat r ROW_VEC4S
//! repeat i 4
      sum_@4*$r+$i@_$h = fma(vec4f(rows_$r[$i]), columns_$h, sum_@4*$r+$i@_$h);
//! end
//! end
//! end
    }
