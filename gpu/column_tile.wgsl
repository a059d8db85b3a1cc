// The division of work that kernels summing over the rows of a matrix share. A workgroup of 256 threads sums eight columns, or
// with VEC4 eight vec4s of columns, over one part of the rows: 32 rows at a time, with the loads of eight such steps issued
// together. The including file declares parameters with rows, items (elements per row, or vec4s per row) and part_rows, a
// multiple of 256.
//! include stored.wgsl
//! include workgroup.wgsl

const ACROSS: u32 = 8;
const LANES: u32 = 32;
var<workgroup> lane_sums: array<vec2f, 256>;

// A thread's part of the rows, its column (which exists only if it is below `items`), and its rows: every 32nd from `row` to
// `end`.
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

// Whether this thread writes a sum: the first thread of each column does, if the column and the part exist.
fn writes(place: Place, thread: u32) -> bool {
  return thread < ACROSS && place.column < parameters.items && place.part * parameters.part_rows < parameters.rows;
}

// Adds up the sums of a column's threads in the order of the threads. The result is valid in the column's first thread. Sums pass
// through the workgroup's memory two by two: a software adapter takes longer to compile a kernel the more memory it has.
fn column_total(thread: u32, own: Stored) -> Stored {
//! if VEC4
  return vec4f(lanes_total(thread, own.xy), lanes_total(thread, own.zw));
//! else
  return lanes_total(thread, vec2f(own, 0)).x;
//! end
}

fn lanes_total(thread: u32, own: vec2f) -> vec2f {
  workgroupBarrier();
  lane_sums[thread] = own;
  workgroupBarrier();
  var total = vec2f(0);
  if (thread < ACROSS) {
    for (var first = thread; first < 256; first += 8 * ACROSS) {
//! repeat i 8
      total += lane_sums[first + $i * ACROSS];
//! end
    }
  }
  return total;
}
