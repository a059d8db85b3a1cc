// BatchNorm's statistics, second half: joins the blocks' moments in a fixed order (Chan, Golub and LeVeque 1979) and updates the
// running statistics:
//
//     mean, variance (biased) over all rows                                          all [width]
//     running_mean = 0.9 running_mean + 0.1 mean;  running_variance likewise, with the unbiased variance
//
//     moments [blocks, 2, width]: the mean and the sum of squared deviations of 256 rows each
//
// 32 threads per column each join neighbouring blocks; their results are joined in the order of the threads. A column whose
// moments are not finite leaves the running statistics unchanged: one bad batch must not ruin a model for good.

struct Parameters { rows: u32, width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> moments: array<f32>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> variance: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> running_variance: array<f32>;

const MOMENTUM: f32 = 0.1;
const ACROSS: u32 = 8;
const LANES: u32 = 32;

// Of some rows: their mean, the sum of squared deviations from it, and their number.
alias Moments = vec3f;

var<workgroup> joined: array<Moments, 256>;

fn join(a: Moments, b: Moments) -> Moments {
  let total = max(a.z + b.z, 1.0);
  let share = b.z / total;
  let distance = b.x - a.x;
  return Moments(a.x + distance * share, a.y + b.y + distance * distance * (a.z * share), a.z + b.z);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = group.x * ACROSS + thread % ACROSS;
  let column = min(wanted, parameters.width - 1);
  let blocks = (parameters.rows + 255) / 256;
  let share = (blocks + LANES - 1) / LANES;
  var block = thread / ACROSS * share;
  let end = min(block + share, blocks);
  var own = Moments(0, 0, 0);
  while (block < end) {
//! repeat i 8
    let at_$i = min(block + $i, blocks - 1) * 2 * parameters.width + column;
    var centre_$i = moments[at_$i];
    var squares_$i = moments[at_$i + parameters.width];
//! end
//! repeat i 8
    let moments_$i = Moments(centre_$i, squares_$i, f32(min(256, parameters.rows - (block + $i) * 256)));
    own = select(own, join(own, moments_$i), block + $i < end);
//! end
    block += 8;
  }
  joined[thread] = own;
  workgroupBarrier();
  if (thread >= ACROSS || wanted >= parameters.width) { return; }
  for (var lane = 1u; lane < min(LANES, blocks); lane++) { own = join(own, joined[lane * ACROSS + thread]); }
  mean[column] = own.x;
  variance[column] = own.y / own.z;
  if ((bitcast<u32>(own.y) & 0x7f800000) == 0x7f800000) { return; }
  running_mean[column] += MOMENTUM * (own.x - running_mean[column]);
  running_variance[column] += MOMENTUM * (own.y / max(own.z - 1.0, 1.0) - running_variance[column]);
}
