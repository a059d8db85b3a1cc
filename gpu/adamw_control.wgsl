// Decides whether a step of AdamW happens, counts it, and computes what depends on the count, parameter by parameter:
//
//     t = ++steps[p]      values[p] = (mode, lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), factor)
//
//     ranges [count] (-, -, has a gradient, -)   total [3] of gradient_total.wgsl   loss [1]
//     steps [count]   values [count]   mode: 0 nothing happens, 1 no gradient (only the average is updated), 2 the full step
//     status: [0] what was first not finite: 0 nothing, 1 the loss, 2 + p the gradient of parameter p
//     [1] the number of that call   [2] the number of calls   [3] the number of calls without a step
//
// With HALT, nothing happens after a value that is not finite until the host clears status[0].
// 1 - beta^t = -expm1(t ln beta): a Taylor series near 0, then the argument is doubled repeatedly. It is accurate to the last
// bits for small t, where 1 - beta^t itself would cancel, and the same on every device. One workgroup runs.

struct Parameters { count: u32, lr: f32, log_beta1: f32, log_beta2: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(2) var<storage, read> total: array<f32>;
@group(0) @binding(3) var<storage, read> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> steps: array<u32>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> status: array<u32>;

/// Returns 1 - beta^t.
fn complement(t: u32, log_beta: f32) -> f32 {
  var x = max(f32(t) * log_beta, -20.0);
  var halvings = 0u;
  while (x < -0.5) {
    x *= 0.5;
    halvings++;
  }
  var series = 1.0;
  for (var n = 10u; n > 1; n--) { series = 1.0 + series * x / f32(n); }
  var result = -x * series;
  for (var i = 0u; i < halvings; i++) { result *= 2.0 - result; }
  return result;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var fault = 0u;
  if (total[2] > 0.0) { fault = 1 + u32(total[2]); }
  if ((bitcast<u32>(loss[0]) & 0x7f800000) == 0x7f800000) { fault = 1; }
  var stops = fault > 0;
//! if HALT
  stops = stops || status[0] > 0;
//! end
  storageBarrier();
  if (lane == 0) {
    status[2] += 1;
    if (stops) { status[3] += 1; }
    if (fault > 0 && status[0] == 0) {
      status[0] = fault;
      status[1] = status[2];
    }
  }
  for (var p = lane; p < parameters.count; p += 64) {
    if (stops) {
      values[p] = vec4f(0.0);
      continue;
    }
    if (ranges[p].z == 0) {
      values[p] = vec4f(1.0, 0.0, 0.0, 0.0);
      continue;
    }
    let t = steps[p] + 1;
    steps[p] = t;
    values[p] = vec4f(2.0, parameters.lr / complement(t, parameters.log_beta1), 1.0 / sqrt(complement(t, parameters.log_beta2)), total[1]);
  }
}
