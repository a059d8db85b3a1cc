// The exact GELU and its slope: gpu/gelu.wgsl (Abramowitz and Stegun 7.1.26, error below 2e-7).
import { exp4, madd } from "./vectors";

/** Phi(x) given e^(-x^2 / 2). */
export function normalShare(x: v128, bell: v128): v128 {
  const t = f32x4.div(f32x4.splat(1), madd(f32x4.splat(0.3275911 * 0.7071067811865476), f32x4.abs(x), f32x4.splat(1)));
  let series = madd(t, f32x4.splat(1.061405429), f32x4.splat(-1.453152027));
  series = madd(t, series, f32x4.splat(1.421413741));
  series = madd(t, series, f32x4.splat(-0.284496736));
  series = madd(t, series, f32x4.splat(0.254829592));
  const tail = f32x4.mul(f32x4.mul(f32x4.mul(series, t), bell), f32x4.splat(0.5));
  return v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), f32x4.lt(x, f32x4.splat(0)));
}

/** e^(-x^2 / 2). */
export function bellOf(x: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
}

export function gelu(x: v128): v128 {
  return f32x4.mul(x, normalShare(x, bellOf(x)));
}

/** Phi(x) + x phi(x), given Phi(x) and e^(-x^2 / 2). */
export function geluSlope(x: v128, share: v128, bell: v128): v128 {
  return madd(f32x4.mul(x, bell), f32x4.splat(0.3989422804014327), share);
}
