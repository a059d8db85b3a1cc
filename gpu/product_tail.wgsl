// The inner positions of product_registers.wgsl that follow those of its arrays: few, and computed where they are loaded (product.wgsl).
  for (var start = 0u; start < tail_size(); start += TILE_INNER) {
    let count = min(TILE_INNER, tail_size() - start);
    workgroupBarrier();
    for (var item = thread; item < count * LEFT_VEC4S; item += THREADS) {
      let row = first_row + item % LEFT_VEC4S * 4;
      let inner = item / LEFT_VEC4S;
      left_tile[inner][item % LEFT_VEC4S] = rounded(vec4f(
//! repeat i 4
        left_tail(min(row + $i, size.x - 1), start + inner),
//! end
      ));
    }
    for (var item = thread; item < count * RIGHT_VEC4S; item += THREADS) {
      let column = item % RIGHT_VEC4S * 4;
      let inner = item / RIGHT_VEC4S;
      right_tile[inner][item % RIGHT_VEC4S] = rounded(vec4f(
//! repeat i 4
        right_tail(tile, column + $i, start + inner),
//! end
      ));
    }
    workgroupBarrier();
    for (var k = 0u; k < count; k++) {
//! include product_step.wgsl k
    }
  }
