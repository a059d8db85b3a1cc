// The backward pass of RMSNorm, or with LAYER of LayerNorm:
//
//     n = (x - mean) * scale,   g = dy * weight                               for RMSNorm mean = 0
//     x_gradient (+)= scale (g - mean(g) - n mean(g n))                       for RMSNorm without mean(g)
//     sums[part, 0] = sum over the part's rows of dy * n                      their sum is the weight's gradient
//     sums[part, 1] = sum over the part's rows of dy                          with PLAIN
//
//     x, dy, x_gradient [rows, width]   scale [rows], which LayerNorm computes itself   sums [parts, 1 + PLAIN, width]
//
// dy is the gradient of the norm's result. With GATHER, row i of x and x_gradient is row row_index[i] of what is stored. ACCUMULATE
// adds to x_gradient. first_part is the part index of the first bound row.
//
// A workgroup of 256 threads takes `across` columns (with VEC4 vec4s of columns) of one part of the rows, `chunk` rows at a time.
// First eight threads share a row, for its means; then each thread computes x_gradient in one column and every 256 / across-th row,
// ROWS at a time, and adds to the sums of its column. across is a power of two of at least 8, chunk a multiple of 32 and of ROWS *
// 256 / across.
//! include workgroup.wgsl

struct Parameters { first_group: u32, rows: u32, width: u32, across: u32, chunk: u32, part_rows: u32, first_part: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> weight: array<Stored>;
@group(0) @binding(3) var<storage, read> dy: array<Stored>;
@group(0) @binding(4) var<storage, read_write> x_gradient: array<Stored>;
@group(0) @binding(5) var<storage, read_write> sums: array<Stored>;
//! if LAYER
//! else
@group(0) @binding(6) var<storage, read> scale: array<f32>;
//! end
//! if GATHER
@group(0) @binding(7) var<storage, read> row_index: array<u32>;
//! end

const ROW_THREADS: u32 = 256;
const LARGEST_CHUNK: u32 = 128;
//! include row_moments.wgsl

//! if LAYER
// Of a row: scale, mean(g n), mean(x) and mean(g).
alias Statistics = vec4f;
//! else
// Of a row: scale and mean(g n).
alias Statistics = vec2f;
//! end
var<workgroup> statistics: array<Statistics, LARGEST_CHUNK>;

fn stored_row(row: u32) -> u32 {
//! if GATHER
  return row_index[row];
//! else
  return row;
//! end
}

fn normalised(value: Stored, row: Statistics) -> Stored {
//! if LAYER
  return (value - row.z) * row.x;
//! else
  return value * row.x;
//! end
}

fn gradient(g: Stored, n: Stored, row: Statistics) -> Stored {
//! if LAYER
  return row.x * (g - row.w - n * row.y);
//! else
  return row.x * (g - n * row.y);
//! end
}

// Returns the statistics of the row whose elements begin at `first` in x and at `first_dy` in dy; `row` has those of x.
fn statistics_of(first: u32, first_dy: u32, row: Statistics, thread: u32) -> Statistics {
  let items = parameters.width / ELEMENTS;
//! if LAYER
  var g_sum = Stored(0);
//! end
  var product_sum = Stored(0);
  var k = thread % 8;
  for (; k + 8 < items; k += 16) {
//! repeat i 2
    let g_$i = dy[first_dy + k + $i * 8] * weight[k + $i * 8];
    let n_$i = normalised(x[first + k + $i * 8], row);
//! end
//! repeat i 2
//! if LAYER
    g_sum += g_$i;
//! end
    product_sum = fma(g_$i, n_$i, product_sum);
//! end
  }
  for (; k < items; k += 8) {
    let g = dy[first_dy + k] * weight[k];
//! if LAYER
    g_sum += g;
//! end
    product_sum = fma(g, normalised(x[first + k], row), product_sum);
  }
//! if LAYER
  let means = row_total(thread, vec2f(total_of(product_sum), total_of(g_sum))) / f32(parameters.width);
  return vec4f(row.x, means.x, row.z, means.y);
//! else
  return vec2f(row.x, row_total(thread, vec2f(total_of(product_sum), 0)).x / f32(parameters.width));
//! end
}

// Adds up the sums of a column's threads in the order of the threads. The result is valid in the column's first thread. Sums pass
// through row_moments.wgsl's memory two by two: a software adapter takes longer to compile a kernel the more memory it has.
fn column_total(thread: u32, own: Stored) -> Stored {
//! if VEC4
  return vec4f(lanes_total(thread, own.xy), lanes_total(thread, own.zw));
//! else
  return lanes_total(thread, vec2f(own, 0)).x;
//! end
}

fn lanes_total(thread: u32, own: vec2f) -> vec2f {
  workgroupBarrier();
  partial[thread] = own;
  workgroupBarrier();
  var total = own;
  if (thread < parameters.across) {
    for (var of_lane = thread + parameters.across; of_lane < ROW_THREADS; of_lane += parameters.across) {
      total += partial[of_lane];
    }
  }
  return total;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = workgroup_number(group, groups);
  let items = parameters.width / ELEMENTS;
  let across = parameters.across;
  let tiles = (items + across - 1) / across;
  let lane = thread / across;
  let lanes = ROW_THREADS / across;
  let part_start = index / tiles * parameters.part_rows;
  if (part_start >= parameters.rows) { return; }
  let end = min(part_start + parameters.part_rows, parameters.rows);
  let last = parameters.rows - 1;
  let column = index % tiles * across + thread % across;
  let k = min(column, items - 1);
  let writes = column < items;
  var product_sum = Stored(0);
  var plain_sum = Stored(0);
  for (var start = part_start; start < end; start += parameters.chunk) {
    for (var begin = 0u; begin < parameters.chunk; begin += ROW_THREADS / 8) {
      let of_chunk = begin + thread / 8;
      let row = min(start + of_chunk, last);
      let first = stored_row(row) * items;
//! if LAYER
      let moments = row_moments(first, thread);
      let of_x = vec4f(moments.y, 0, moments.x, 0);
//! else
      let of_x = vec2f(scale[row], 0);
//! end
      let own = statistics_of(first, row * items, of_x, thread);
      if (thread % 8 == 0) { statistics[of_chunk] = own; }
    }
    workgroupBarrier();
    // Read with each chunk, so that it takes no registers above.
    let own_weight = weight[k];
    // All threads take as many steps: FXC, the older of Direct3D's compilers, refuses barriers in a loop with one that they do not.
    for (var first_row = 0u; first_row < parameters.chunk; first_row += ROWS * lanes) {
      // All loads come before the stores: the compiler cannot tell that x_gradient does not alias what is read.
//! repeat i ROWS
      let of_chunk_$i = first_row + lane + $i * lanes;
      let is_there_$i = start + of_chunk_$i < end;
      let row_$i = min(start + of_chunk_$i, last);
      let at_$i = stored_row(row_$i) * items + k;
      let dy_$i = select(Stored(0), dy[row_$i * items + k], is_there_$i);
      let x_$i = x[at_$i];
//! end
//! repeat i ROWS
      let row_statistics_$i = statistics[of_chunk_$i];
      let n_$i = normalised(x_$i, row_statistics_$i);
      product_sum = fma(dy_$i, n_$i, product_sum);
      plain_sum += dy_$i;
      var dx_$i = gradient(dy_$i * own_weight, n_$i, row_statistics_$i);
//! end
//! if ACCUMULATE
//! repeat i ROWS
      dx_$i += x_gradient[at_$i];
//! end
//! end
//! repeat i ROWS
      if (is_there_$i && writes) { x_gradient[at_$i] = dx_$i; }
//! end
    }
  }
  let product_total = column_total(thread, product_sum);
//! if PLAIN
  let plain_total = column_total(thread, plain_sum);
//! end
  if (thread >= across || !writes) { return; }
  // The part's index, computed from what the loops need: its own would take a register through them.
  let sums_at = (parameters.first_part + (end - 1) / parameters.part_rows) * (1 + PLAIN) * items + k;
  sums[sums_at] = product_total;
//! if PLAIN
  sums[sums_at + items] = plain_total;
//! end
}
