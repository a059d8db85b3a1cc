// LayerNorm's statistics: the mean and 1 / sqrt(variance + 1e-5) of rows of x, by eight threads per row, each taking one element
// (with VEC4 one vec4) at a time. Two passes, with sums in a fixed order. The including file declares parameters with width, x, and
// ROW_THREADS, the number of threads of all rows.
//
// The value that is added first is loaded last, so that all eight loads are under way before one is waited for: compilers delay
// loads to save registers. (A variable stays where it is; what a `let` holds may be computed where it is used.)
//! include layer_epsilon.wgsl
//! include stored.wgsl

var<workgroup> partial: array<vec2f, ROW_THREADS>;

// Adds up the values of a row's eight threads.
fn row_total(thread: u32, own: vec2f) -> vec2f {
  workgroupBarrier();
  partial[thread] = own;
  workgroupBarrier();
  var total = vec2f(0);
//! repeat i 8
  total += partial[thread / 8 * 8 + $i];
//! end
  return total;
}

// Returns the moments of the row whose first element (or vec4) is at `first`.
fn row_moments(first: u32, thread: u32) -> vec2f {
  let items = parameters.width / ELEMENTS;
  let lane = thread % 8;
  var sum = Stored(0);
  var k = lane;
  for (; k + 56 < items; k += 64) {
//! repeat i 8
    var value_@7-$i@ = x[first + k + @7-$i@ * 8];
//! end
//! repeat i 8
    sum += value_$i;
//! end
  }
  for (; k < items; k += 8) { sum += x[first + k]; }
  let mean = row_total(thread, vec2f(total_of(sum), 0)).x / f32(parameters.width);
  var squares = Stored(0);
  for (k = lane; k + 56 < items; k += 64) {
//! repeat i 8
    var value_@7-$i@ = x[first + k + @7-$i@ * 8];
//! end
//! repeat i 8
    let deviation_$i = value_$i - mean;
    squares = fma(deviation_$i, deviation_$i, squares);
//! end
  }
  for (; k < items; k += 8) {
    let deviation = x[first + k] - mean;
    squares = fma(deviation, deviation, squares);
  }
  return vec2f(mean, 1.0 / sqrt(row_total(thread, vec2f(total_of(squares), 0)).x / f32(parameters.width) + LAYER_EPSILON));
}
