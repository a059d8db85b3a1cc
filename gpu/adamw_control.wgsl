// Decides whether a step of AdamW happens, counts it, and computes what depends on the count, parameter by parameter:
//
//     t = ++steps[p]      (s, d) = shares[p]
//     values[p] = (1 - d (1 - decay), s lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), factor)
//
//     ranges [count] (-, -, has a gradient, -)   total [3] of gradient_total.wgsl   loss [1]
//     loss_scale: [0] the scale S of the loss and so of the gradients   [1] 1 / S   [2] the steps without a fault since S changed
//     factor = total[1] / S
//     shares [count] a parameter's share of the learning rate, and of the largest weight decay
//     steps [count]   values [count]   or values[p].x = 2: no gradient (only the average is updated), 3: nothing happens
//     status: [0] what was first not finite: 0 nothing, 1 the loss, 2 + p the gradient of parameter p
//     [1] the number of that call   [2] the number of calls   [3] the number of calls without a step
//
// With HALT, nothing happens after a value that is not finite until the host clears status[0].
// With growth_interval > 0, S is dynamic: while it is at least 2 least_scale, a gradient that is not finite is taken for an
// overflow: S is halved, and the step does not happen. After growth_interval steps without a fault S is doubled, as far as
// largest_scale. Powers of two keep 1 / S exact.
// 1 - beta^t = -expm1(t ln beta): a Taylor series near 0, then the argument is doubled repeatedly. It is accurate to the last
// bits for small t, where 1 - beta^t itself would cancel, and the same on every device. One workgroup runs.

struct Parameters { count: u32, lr: f32, decay: f32, log_beta1: f32, log_beta2: f32, growth_interval: f32, least_scale: f32, largest_scale: f32 }
@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(2) var<storage, read> total: array<f32>;
@group(0) @binding(3) var<storage, read> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> steps: array<u32>;
@group(0) @binding(5) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> status: array<u32>;
@group(0) @binding(7) var<storage, read_write> loss_scale: array<f32>;
@group(0) @binding(8) var<storage, read> shares: array<vec2f>;

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
  let dynamic = parameters.growth_interval > 0.0;
  let scale = loss_scale[0];
  let unscale = loss_scale[1];
  let overflows = dynamic && fault > 1 && 0.5 * scale >= parameters.least_scale;
  if (overflows) { fault = 0; }
  var halted = false;
//! if HALT
  halted = status[0] > 0;
//! end
  let stops = halted || overflows || fault > 0;
  storageBarrier();
  if (lane == 0) {
    status[2] += 1;
    if (stops) { status[3] += 1; }
    if (fault > 0 && status[0] == 0) {
      status[0] = fault;
      status[1] = status[2];
    }
    if (dynamic && !halted) {
      var steps_since = 0.0;
      if (!stops) { steps_since = loss_scale[2] + 1.0; }
      if (overflows) {
        loss_scale[0] = 0.5 * scale;
        loss_scale[1] = 2.0 * unscale;
      }
      if (steps_since >= parameters.growth_interval) {
        steps_since = 0.0;
        if (2.0 * scale <= parameters.largest_scale) {
          loss_scale[0] = 2.0 * scale;
          loss_scale[1] = 0.5 * unscale;
        }
      }
      loss_scale[2] = steps_since;
    }
  }
  for (var p = lane; p < parameters.count; p += 64) {
    if (stops) {
      values[p] = vec4f(3.0, 0.0, 0.0, 0.0);
      continue;
    }
    if (ranges[p].z == 0) {
      values[p] = vec4f(2.0, 0.0, 0.0, 0.0);
      continue;
    }
    let t = steps[p] + 1;
    steps[p] = t;
    let decay = 1.0 - shares[p].y * (1.0 - parameters.decay);
    let step_size = shares[p].x * parameters.lr / complement(t, parameters.log_beta1);
    values[p] = vec4f(decay, step_size, 1.0 / sqrt(complement(t, parameters.log_beta2)), total[1] * unscale);
  }
}
