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
  const one = f32x4.splat(1);
  const share = sigmoid4(gate);
  const dhidden = loadSome(hidden, count);
  const opened = f32x4.mul(gate, share);
  storeSome(hidden, f32x4.mul(value, opened), count);
  const derivative = f32x4.mul(share, f32x4.add(one, f32x4.mul(gate, f32x4.sub(one, share))));
  storeSome(dgate, f32x4.mul(f32x4.mul(dhidden, value), derivative), count);
  storeSome(dvalue, f32x4.mul(dhidden, opened), count);
}

/** The gradients of gate and value replace what the forward pass kept of these. */
export function swigluBackward(p: SwigluBackward, thread: u32, threads: u32): void {
  const end = firstElementOf(p.size, thread + 1, threads);
  for (let i = firstElementOf(p.size, thread, threads); i < end; i += 4) {
    const at = (<usize>i) << 2;
    const gate = loadSome(p.dgate + at, end - i);
    const value = loadSome(p.dvalue + at, end - i);
    storeGradients(gate, value, p.hidden + at, p.dgate + at, p.dvalue + at, end - i);
  }
}
