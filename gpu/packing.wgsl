// The reference packs element e of head h of q, k, v at output (h E + e) 3 + t; here columns run over t, h, e.

// Returns the row of the reference's weight that holds column (t, h, e) < 3 width: (column % width) * 3 + column / width, without
// divisions, which cost as much as a product's load in every step.
fn packed_row(column: u32, width: u32) -> u32 {
  let third = select(0u, 1u, column >= width) + select(0u, 1u, column >= 2 * width);
  return column * 3 - third * (3 * width - 1);
}
