// The exact GELU and its derivative: gpu/gelu.wgsl (Abramowitz and Stegun 7.1.26, error of Phi below 4e-7).
import { constant, exp2Below, madd } from "./vectors";

const ERF_P = memory.data<f32>([0.3275911 * 0.7071067811865476]);
const ERF_1 = memory.data<f32>([0.254829592]);
const ERF_2 = memory.data<f32>([-0.284496736]);
const ERF_3 = memory.data<f32>([1.421413741]);
const ERF_4 = memory.data<f32>([-1.453152027]);
const ERF_5 = memory.data<f32>([1.061405429]);
const HALF = memory.data<f32>([0.5]);
/** -log2(e) / 2. */
const BELL_POWER = memory.data<f32>([-0.7213475204444817]);
const ONE = memory.data<f32>([1]);
/** 1 / sqrt(2 pi). */
const BELL_TOP = memory.data<f32>([0.3989422804014327]);

/** Returns Phi(x), given e^(-x^2 / 2). */
export function normalShare(x: v128, bell: v128): v128 {
  const t = f32x4.div(constant(ONE), madd(constant(ERF_P), f32x4.abs(x), constant(ONE)));
  let series = madd(t, constant(ERF_5), constant(ERF_4));
  series = madd(t, series, constant(ERF_3));
  series = madd(t, series, constant(ERF_2));
  series = madd(t, series, constant(ERF_1));
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(series, t), bell), constant(HALF));
  return v128.bitselect(tail, f32x4.sub(constant(ONE), tail), f32x4.lt(x, f32x4.splat(0)));
}

/** Returns e^(-x^2 / 2). */
export function bellOf(x: v128): v128 {
  return exp2Below(f32x4.mul(f32x4.mul(x, x), constant(BELL_POWER)));
}

export function gelu(x: v128): v128 {
  return f32x4.mul(x, normalShare(x, bellOf(x)));
}

/** Returns Phi(x) + x phi(x), given Phi(x) and e^(-x^2 / 2). */
export function geluDerivative(x: v128, share: v128, bell: v128): v128 {
  return madd(f32x4.mul(x, bell), constant(BELL_TOP), share);
}
