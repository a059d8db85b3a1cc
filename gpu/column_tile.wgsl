// What sums over the rows of a matrix have in common. A workgroup of 256 threads takes eight columns, with QUADS eight quads of
// them, of one part of the rows: 32 rows at a time side by side, eight such turns asked for together. The including file declares
// parameters with rows, items (a row's numbers, or quads of them) and part_rows, a multiple of 256.
//! include stored.wgsl

const ACROSS: u32 = 8;
const LANES: u32 = 32;
var<workgroup> lane_sums: array<Stored, 256>;

// A thread's part of the rows, its column (of which only those below `items` exist), and its rows: every 32nd from `row` to `end`.
struct Place {
  part: u32,
  column: u32,
  row: u32,
  end: u32,
}

fn place_of(index: u32, thread: u32) -> Place {
  let tiles = (parameters.items + ACROSS - 1) / ACROSS;
  let part = index / tiles;
  let first = part * parameters.part_rows;
  return Place(
    part, index % tiles * ACROSS + thread % ACROSS, first + thread / ACROSS, min(first + parameters.part_rows, parameters.rows));
}

// Whether there is something to write, and by which threads: the first of each column.
fn writes(place: Place, thread: u32) -> bool {
  return thread < ACROSS && place.column < parameters.items && place.part * parameters.part_rows < parameters.rows;
}

// The sum over the rows that a column's threads found, in the order of the threads; right in the column's first thread.
fn column_total(thread: u32, own: Stored) -> Stored {
  workgroupBarrier();
  lane_sums[thread] = own;
  workgroupBarrier();
  var total = Stored(0);
  if (thread < ACROSS) {
//! repeat i 32
    total += lane_sums[$i * ACROSS + thread];
//! end
  }
  return total;
}
