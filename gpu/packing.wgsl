// The reference packs element e of head h of q, k, v at output (h E + e) 3 + t; here columns run over t, h, e.

// Returns the row of the reference's weight that holds column (t, h, e) < 3 width, (column % width) * 3 + column / width, or
// the column itself if width is 0: then nothing is packed. Each width before the column takes 3 width - 1 from three times the
// column. Where there is none this wraps around to a large number, so the least of the three is the row. A loop over columns has
// no divisions and no branches this way.
fn packed_row(column: u32, width: u32) -> u32 {
  let is_packed = width > 0;
  let row = column * select(1u, 3u, is_packed);
  let less = select(0u, 3 * width - 1, is_packed);
  return min(row, min(row - less, row - 2 * less));
}
