// Elementwise functions. Formulas: gpu/elementwise.wgsl, gpu/functions.wgsl.
import { ElementFunction } from "../out/shared";
import { Elementwise } from "./commands";
import { bellOf, gelu, geluDerivative, normalShare } from "./gelu";
import { firstOf } from "./threads";
import { exp4, loadSome, madd, storeSome } from "./vectors";

/** This many elements of the innermost axis are one item of work. */
const CHUNK: u32 = 1024;

/** out[i] (+)= f(x[i], y[i]), or with `derivative` y[i] f'(x[i]). */
export function elementwise(p: Elementwise, thread: u32, threads: u32): void {
  const chunks = (p.size3 + CHUNK - 1) / CHUNK;
  const items = p.size0 * p.size1 * p.size2 * chunks;
  const end = firstOf(items, thread + 1, threads);
  for (let item = firstOf(items, thread, threads); item < end; item++) {
    const first = (item % chunks) * CHUNK;
    let rest = item / chunks;
    const k = rest % p.size2;
    rest /= p.size2;
    const j = rest % p.size1;
    const i = rest / p.size1;
    const x = p.x + ((<usize>i * p.x0 + j * p.x1 + k * p.x2 + first * p.x3) << 2);
    const y = p.y ? p.y + ((<usize>i * p.y0 + j * p.y1 + k * p.y2 + first * p.y3) << 2) : 0;
    const out = p.out + ((<usize>i * p.out0 + j * p.out1 + k * p.out2 + first * p.out3) << 2);
    const count = min(CHUNK, p.size3 - first);
    for (let n: u32 = 0; n < count; n += 4) {
      const some = min<u32>(4, count - n);
      const ownX = pick(x + ((<usize>n * p.x3) << 2), p.x3, some);
      const ownY = y ? pick(y + ((<usize>n * p.y3) << 2), p.y3, some) : f32x4.splat(0);
      let result = p.derivative ? f32x4.mul(ownY, derivativeOf(p.chosen, ownX)) : valueOf(p, ownX, ownY);
      const to = out + ((<usize>n * p.out3) << 2);
      if (p.accumulate) result = f32x4.add(result, pick(to, p.out3, some));
      put(to, p.out3, some, result);
    }
  }
}

function pick(at: usize, stride: u32, count: u32): v128 {
  if (stride == 1) return loadSome(at, count);
  const step = (<usize>stride) << 2;
  let result = f32x4.splat(load<f32>(at));
  if (stride == 0) return result;
  if (count > 1) result = f32x4.replace_lane(result, 1, load<f32>(at + step));
  if (count > 2) result = f32x4.replace_lane(result, 2, load<f32>(at + 2 * step));
  if (count > 3) result = f32x4.replace_lane(result, 3, load<f32>(at + 3 * step));
  return result;
}

function put(at: usize, stride: u32, count: u32, value: v128): void {
  if (stride == 1) {
    storeSome(at, value, count);
    return;
  }
  const step = (<usize>stride) << 2;
  store<f32>(at, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(at + step, f32x4.extract_lane(value, 1));
  if (count > 2) store<f32>(at + 2 * step, f32x4.extract_lane(value, 2));
  if (count > 3) store<f32>(at + 3 * step, f32x4.extract_lane(value, 3));
}

function valueOf(p: Elementwise, x: v128, y: v128): v128 {
  switch (p.chosen) {
    case ElementFunction.Affine:
      return f32x4.add(f32x4.mul(f32x4.splat(p.factor), x), f32x4.splat(p.shift));
    case ElementFunction.Add:
      return f32x4.add(x, y);
    case ElementFunction.Subtract:
      return f32x4.sub(x, y);
    case ElementFunction.Multiply:
      return f32x4.mul(x, y);
    case ElementFunction.Divide:
      return f32x4.div(x, y);
    case ElementFunction.Maximum:
      return f32x4.max(x, y);
    case ElementFunction.Reciprocal:
      return f32x4.div(f32x4.splat(1), x);
    case ElementFunction.Square:
      return f32x4.mul(x, x);
    case ElementFunction.Sqrt:
      return f32x4.sqrt(x);
    case ElementFunction.Abs:
      return f32x4.abs(x);
    case ElementFunction.Exp:
      return exactExp(x);
    case ElementFunction.Log:
      return exactLog(x);
    case ElementFunction.Sin:
      return sine(x, 0);
    case ElementFunction.Cos:
      return sine(x, 1);
    case ElementFunction.Gelu:
      return gelu(x);
    case ElementFunction.Silu:
      return f32x4.mul(x, sigmoid(x));
    case ElementFunction.Softplus:
      return f32x4.add(f32x4.max(x, f32x4.splat(0)), logOnePlus(tailOf(x)));
    case ElementFunction.Sigmoid:
      return sigmoid(x);
    case ElementFunction.Tanh:
      return hyperbolicTangent(x);
    case ElementFunction.Relu:
      return v128.andnot(x, f32x4.lt(x, f32x4.splat(0)));
    default:
      unreachable();
  }
  return x;
}

function derivativeOf(chosen: u32, x: v128): v128 {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  switch (chosen) {
    case ElementFunction.Reciprocal:
      return f32x4.div(f32x4.splat(-1), f32x4.mul(x, x));
    case ElementFunction.Square:
      return f32x4.add(x, x);
    case ElementFunction.Sqrt:
      return v128.andnot(f32x4.div(f32x4.splat(0.5), f32x4.sqrt(x)), f32x4.eq(x, zero));
    case ElementFunction.Abs:
      return v128.or(v128.and(x, f32x4.splat(-0.0)), v128.and(one, f32x4.ne(x, zero)));
    case ElementFunction.Exp:
      return exactExp(x);
    case ElementFunction.Log:
      return f32x4.div(one, x);
    case ElementFunction.Sin:
      return sine(x, 1);
    case ElementFunction.Cos:
      return sine(x, 2);
    case ElementFunction.Gelu: {
      const bell = bellOf(x);
      return geluDerivative(x, normalShare(x, bell), bell);
    }
    case ElementFunction.Silu:
      return f32x4.mul(sigmoid(x), madd(x, sigmoid(f32x4.neg(x)), one));
    case ElementFunction.Softplus:
      return sigmoid(x);
    case ElementFunction.Sigmoid:
      return f32x4.mul(sigmoid(x), sigmoid(f32x4.neg(x)));
    case ElementFunction.Tanh: {
      const twice = f32x4.add(x, x);
      return f32x4.mul(f32x4.splat(4), f32x4.mul(sigmoid(twice), sigmoid(f32x4.neg(twice))));
    }
    case ElementFunction.Relu:
      return v128.and(one, f32x4.gt(x, zero));
    default:
      unreachable();
  }
  return x;
}

// These are also exact for infinities and subnormal numbers, which exp4 is not.

function exactExp(x: v128): v128 {
  return f32x4(
    Mathf.exp(f32x4.extract_lane(x, 0)),
    Mathf.exp(f32x4.extract_lane(x, 1)),
    Mathf.exp(f32x4.extract_lane(x, 2)),
    Mathf.exp(f32x4.extract_lane(x, 3)),
  );
}

function exactLog(x: v128): v128 {
  return f32x4(
    Mathf.log(f32x4.extract_lane(x, 0)),
    Mathf.log(f32x4.extract_lane(x, 1)),
    Mathf.log(f32x4.extract_lane(x, 2)),
    Mathf.log(f32x4.extract_lane(x, 3)),
  );
}

/** Returns e^-|x|. */
function tailOf(x: v128): v128 {
  return exp4(f32x4.neg(f32x4.abs(x)));
}

function sigmoid(x: v128): v128 {
  const tail = tailOf(x);
  const over = f32x4.add(f32x4.splat(1), tail);
  return f32x4.div(v128.bitselect(f32x4.splat(1), tail, f32x4.ge(x, f32x4.splat(0))), over);
}

function hyperbolicTangent(x: v128): v128 {
  const t = f32x4.mul(x, x);
  let odd = madd(t, f32x4.splat(-5.70498872745e-3), f32x4.splat(2.06390887954e-2));
  odd = madd(t, odd, f32x4.splat(-5.37397155531e-2));
  odd = madd(t, odd, f32x4.splat(1.33314422036e-1));
  odd = madd(t, odd, f32x4.splat(-3.33332819422e-1));
  const near = madd(f32x4.mul(x, t), odd, x);
  const one = f32x4.splat(1);
  const tail = tailOf(f32x4.add(x, x));
  const far = v128.or(f32x4.div(f32x4.sub(one, tail), f32x4.add(one, tail)), v128.and(x, f32x4.splat(-0.0)));
  return v128.bitselect(far, near, f32x4.ge(f32x4.abs(x), f32x4.splat(0.625)));
}

function logOnePlus(e: v128): v128 {
  const s = f32x4.div(e, f32x4.add(f32x4.splat(2), e));
  const t = f32x4.mul(s, s);
  let series = madd(t, f32x4.splat(1.0 / 13), f32x4.splat(1.0 / 11));
  series = madd(t, series, f32x4.splat(1.0 / 9));
  series = madd(t, series, f32x4.splat(1.0 / 7));
  series = madd(t, series, f32x4.splat(1.0 / 5));
  series = madd(t, series, f32x4.splat(1.0 / 3));
  return f32x4.mul(f32x4.add(s, s), madd(t, series, f32x4.splat(1)));
}

/** Returns sin(x + quarters pi / 2). */
function sine(x: v128, quarters: i32): v128 {
  const turns = f32x4.nearest(f32x4.mul(x, f32x4.splat(0.6366197723675814)));
  let rest = f32x4.sub(x, f32x4.mul(turns, f32x4.splat(1.5703125)));
  rest = f32x4.sub(rest, f32x4.mul(turns, f32x4.splat(4.837512969970703e-4)));
  rest = f32x4.sub(rest, f32x4.mul(turns, f32x4.splat(7.549789948768648e-8)));
  const t = f32x4.mul(rest, rest);
  let odd = madd(t, f32x4.splat(-1.9515295891e-4), f32x4.splat(8.3321608736e-3));
  odd = madd(t, odd, f32x4.splat(-1.6666654611e-1));
  odd = madd(f32x4.mul(rest, t), odd, rest);
  let even = madd(t, f32x4.splat(2.443315711809948e-5), f32x4.splat(-1.388731625493765e-3));
  even = madd(t, even, f32x4.splat(4.166664568298827e-2));
  even = madd(f32x4.mul(t, t), even, madd(t, f32x4.splat(-0.5), f32x4.splat(1)));
  const quadrant = i32x4.add(i32x4.trunc_sat_f32x4_s(turns), i32x4.splat(quarters));
  const isOdd = i32x4.eq(v128.and(quadrant, i32x4.splat(1)), i32x4.splat(0));
  // The quadrant's second bit is the sign.
  const sign = i32x4.shl(v128.and(quadrant, i32x4.splat(2)), 30);
  return v128.xor(v128.bitselect(odd, even, isOdd), sign);
}
