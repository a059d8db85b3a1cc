// The global norm of all gradients and the factor that clips it, as in torch.nn.utils.clip_grad_norm_:
//
//     norm = sqrt(sum over p of norms[p].x)      factor = min(1, max_norm / (norm + 1e-6)), 1 where max_norm is negative
//     total = (norm, factor, 1 + the first p with an element that is not finite, or 0)
//
// A gradient with a NaN or an infinity is not scaled, so that one fault does not spread. One workgroup runs; lane l takes
// parameters l, l + 64, ...

struct Parameters { count: u32, max_norm: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> norms: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;

var<workgroup> squares: array<f32, 64>;
var<workgroup> faults: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  var first_fault = 0u;
  // Eight loads, into variables that are there before the conditions, are under way at once; those beyond the end read the last
  // parameter's.
  for (var begin = lane; begin < parameters.count; begin += 8 * 64) {
//! repeat i 8
    var norm_$i = norms[min(begin + $i * 64, parameters.count - 1)];
//! end
//! repeat i 8
    let is_there_$i = begin + $i * 64 < parameters.count;
    sum += select(0.0, norm_$i.x, is_there_$i);
    if (is_there_$i & (first_fault == 0) & (norm_$i.y > 0.0)) { first_fault = begin + $i * 64 + 1; }
//! end
  }
  squares[lane] = sum;
  faults[lane] = first_fault;
  workgroupBarrier();
  if (lane > 0) { return; }
  sum = 0.0;
  first_fault = 0;
  for (var l = 0u; l < 64; l++) {
    sum += squares[l];
    if (faults[l] > 0 && (first_fault == 0 || faults[l] < first_fault)) { first_fault = faults[l]; }
  }
  let norm = sqrt(sum);
  var factor = 1.0;
  if (parameters.max_norm >= 0.0 && first_fault == 0) { factor = min(1.0, parameters.max_norm / (norm + 1e-6)); }
  total[0] = norm;
  total[1] = factor;
  total[2] = f32(first_fault);
}
