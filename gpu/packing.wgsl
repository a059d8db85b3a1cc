// The reference packs element e of head h of q, k, v at output (h E + e) 3 + t; here columns run over t, h, e.

// Returns the row of the reference's weight that holds column (t, h, e).
fn packed_row(column: u32, width: u32) -> u32 { return (column % width) * 3 + column / width; }
