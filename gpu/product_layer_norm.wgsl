// LayerNorm of the rows of product_registers.wgsl's tile, which holds all columns, between its sums and their store.
//
// The eight threads that share a row compute its moments in row_moments.wgsl's order. Each has one vec4 of the row, or two that are
// 32 columns apart.
//! repeat h HALVES
  let is_column_$h = own_column * 4 + $h * HALF_COLUMNS < size.y;
//! end
//! repeat r ROW_VEC4S
  let row_vec4_$r = $r * (LEFT_VEC4S / ROW_VEC4S) + own_row;
  var partial_$r = vec4f(0);
//! repeat i 4
  {
    var total = vec4f(0);
//! repeat h HALVES
    if (is_column_$h) { sum_@4*$r+$i@_$h = last_terms(own_column * 4 + $h * HALF_COLUMNS, sum_@4*$r+$i@_$h); }
    total += select(vec4f(0), sum_@4*$r+$i@_$h, is_column_$h);
//! end
    partial_$r[$i] = total_of(total);
  }
//! end
//! end
  workgroupBarrier();
//! repeat r ROW_VEC4S
  left_tile[own_column][row_vec4_$r] = partial_$r;
//! end
  workgroupBarrier();
//! repeat r ROW_VEC4S
  var total_$r = vec4f(0);
//! repeat c 8
  total_$r += left_tile[$c][row_vec4_$r];
//! end
  let mean_$r = total_$r / f32(size.y);
//! repeat i 4
  {
    var squares = vec4f(0);
//! repeat h HALVES
    sum_@4*$r+$i@_$h -= mean_$r[$i];
    let deviation_$h = select(vec4f(0), sum_@4*$r+$i@_$h, is_column_$h);
    squares = fma(deviation_$h, deviation_$h, squares);
//! end
    partial_$r[$i] = total_of(squares);
  }
//! end
//! end
  workgroupBarrier();
//! repeat r ROW_VEC4S
  left_tile[own_column][row_vec4_$r] = partial_$r;
//! end
  workgroupBarrier();
//! repeat r ROW_VEC4S
  {
    var total = vec4f(0);
//! repeat c 8
    total += left_tile[$c][row_vec4_$r];
//! end
    let scales = 1.0 / sqrt(total / f32(size.y) + LAYER_EPSILON);
//! repeat i 4
//! repeat h HALVES
    sum_@4*$r+$i@_$h *= scales[$i];
//! end
//! end
  }
//! end
