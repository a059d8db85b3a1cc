// BatchNorm's statistics, second half: the blocks' moments joined in their order (Chan, Golub and LeVeque 1979), and the
// running statistics moved towards them:
//
//     mean, variance (biased) over all rows                                          all [width]
//     running_mean = 0.9 running_mean + 0.1 mean;  running_variance likewise, with the unbiased variance
//
// A column whose moments are not finite leaves the running statistics alone: one bad batch must not ruin a model for good.

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> moments: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> variance: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> running_variance: array<f32>;

const MOMENTUM: f32 = 0.1;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = group.x * 64 + thread;
  if (column >= parameters.width) { return; }
  var centre = 0.0;
  var squares = 0.0;
  var count = 0.0;
  for (var first = 0u; first < parameters.rows; first += 256) {
    let block = moments[first / 256 * parameters.width + column];
    let added = f32(min(256u, parameters.rows - first));
    let distance = block.x - centre;
    let total = count + added;
    centre += distance * (added / total);
    squares += block.y + distance * distance * (count * (added / total));
    count = total;
  }
  mean[column] = centre;
  variance[column] = squares / count;
  if ((bitcast<u32>(squares) & 0x7f800000) == 0x7f800000) { return; }
  running_mean[column] += MOMENTUM * (centre - running_mean[column]);
  running_variance[column] += MOMENTUM * (squares / max(count - 1.0, 1.0) - running_variance[column]);
}
