// The positional term as it arrives at the queries, keys and values, so that it need not pass through the large product:
//
//     folded[c, a] = sum_k W[c, k] P[k, a]        folded[c, DIMENSIONS] = sum_k W[c, k] b_P[k] + b[c]
//
//     W [3 width, width]   P [width, DIMENSIONS]   b_P [width]   b [3 width]   folded [3 width, 4], c = (t, h, e)
//
// Eight threads a column, each every eighth k; their sums are added up in a fixed order. A row of W is read once, by threads side
// by side.
//! include packing.wgsl

struct Parameters { width: u32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> position_weight: array<f32>;
@group(0) @binding(4) var<storage, read> position_bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> folded: array<f32>;

var<workgroup> partial: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wanted = (group.y * groups.x + group.x) * 8 + thread / 8;
  let column = min(wanted, 3 * parameters.width - 1);
  let row = packed_row(column, parameters.width);
  let lane = thread % 8;
  var sums = vec4f(0);
  for (var k = lane; k < parameters.width; k += 8) {
    var terms = vec4f(0);
//! repeat a DIMENSIONS
    terms[$a] = position_weight[k * DIMENSIONS + $a];
//! end
    terms[DIMENSIONS] = position_bias[k];
    sums = fma(vec4f(weight[row * parameters.width + k]), terms, sums);
  }
  partial[thread] = sums;
  workgroupBarrier();
  if (lane > DIMENSIONS || wanted >= 3 * parameters.width) { return; }
  var total = select(0.0, bias[row], lane == DIMENSIONS);
  for (var i = 0u; i < 8; i++) { total += partial[thread - lane + i][lane]; }
  folded[column * 4 + lane] = total;
}
