// The gated hidden layer, value * SiLU(gate), and its gradients. Formulas: gpu/norm_swiglu.wgsl, gpu/swiglu_backward.wgsl.
import { SwigluBackward } from "./commands";
import { firstElementOf } from "./threads";
import { loadSome, sigmoid4, storeSome } from "./vectors";

/** Returns value * SiLU(gate). */
export function gated(gate: v128, value: v128): v128 {
  return f32x4.mul(f32x4.mul(value, gate), sigmoid4(gate));
}

/** Stores hidden, whose gradient is there before, and the gradients of gate and value. */
export function storeGradients(gate: v128, value: v128, hidden: usize, dgate: usize, dvalue: usize, count: u32): void {
  const share = sigmoid4(gate);
  const dhidden = loadSome(hidden, count);
  const opened = f32x4.mul(gate, share);
  storeSome(hidden, f32x4.mul(value, opened), count);
  storeSome(dgate, f32x4.mul(f32x4.mul(dhidden, value), derivative(gate, share)), count);
  storeSome(dvalue, f32x4.mul(dhidden, opened), count);
}

/** Returns SiLU'(gate), given 1 / (1 + e^-gate). */
function derivative(gate: v128, share: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.mul(share, f32x4.add(one, f32x4.mul(gate, f32x4.sub(one, share))));
}

/** The gradients of gate and value replace what the forward pass kept of these. */
export function swigluBackward(p: SwigluBackward, thread: u32, threads: u32): void {
  const first = (<usize>firstElementOf(p.size, thread, threads)) << 2;
  const count = firstElementOf(p.size, thread + 1, threads) - (<u32>first >> 2);
  let hidden = p.hidden + first;
  let dgate = p.dgate + first;
  let dvalue = p.dvalue + first;
  for (const end = hidden + ((<usize>(count & ~3)) << 2); hidden < end; hidden += 16, dgate += 16, dvalue += 16) {
    const gate = v128.load(dgate);
    const value = v128.load(dvalue);
    const dhidden = v128.load(hidden);
    const share = sigmoid4(gate);
    const opened = f32x4.mul(gate, share);
    v128.store(hidden, f32x4.mul(value, opened));
    v128.store(dgate, f32x4.mul(f32x4.mul(dhidden, value), derivative(gate, share)));
    v128.store(dvalue, f32x4.mul(dhidden, opened));
  }
  const rest = count & 3;
  if (rest) storeGradients(loadSome(dgate, rest), loadSome(dvalue, rest), hidden, dgate, dvalue, rest);
}
