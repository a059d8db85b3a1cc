// The scale of RMSNorm for the 64 rows of a product's tile, for products whose left side is normalised on the way:
//
//     scale[row] = 1 / sqrt(mean(x[row]^2) + 2^-23)          (spec: eps is float32's machine epsilon)
//
// Eight threads a row, so that neighbouring threads read neighbouring numbers; partial sums are added in a fixed order.
// The including file offers fn normalised(row: u32, inner: u32) -> f32, the element to be normalised.

const RMS_EPSILON: f32 = 1.1920928955078125e-7;
var<workgroup> row_partial: array<f32, 512>;
var<workgroup> row_scale: array<f32, 64>;

fn prepare_row_scale(first_row: u32, rows: u32, width: u32, thread: u32) {
  let lane = thread % 8;
  for (var row = thread / 8; row < 64; row += 8) {
    let source = min(first_row + row, rows - 1);
    var squares = 0.0;
    for (var k = lane; k < width; k += 8) {
      let value = normalised(source, k);
      squares = fma(value, value, squares);
    }
    row_partial[row * 8 + lane] = squares;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 8; i++) { total += row_partial[thread * 8 + i]; }
  row_scale[thread] = 1.0 / sqrt(total / f32(width) + RMS_EPSILON);
  workgroupBarrier();
}
