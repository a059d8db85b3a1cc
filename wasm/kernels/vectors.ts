// Vectors of four elements: what the kernels share. Sums over the lanes are always computed in the same order.

export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

export function sumOf(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Loads the first `count` elements at an address; the rest are zeros. (Short enough for the compiler to put it into loops.) */
export function loadSome(address: usize, count: u32): v128 {
  return count >= 4 ? v128.load(address) : loadFew(address, count);
}

function loadFew(address: usize, count: u32): v128 {
  let result = f32x4.splat(0);
  if (count > 0) result = f32x4.replace_lane(result, 0, load<f32>(address));
  if (count > 1) result = f32x4.replace_lane(result, 1, load<f32>(address, 4));
  if (count > 2) result = f32x4.replace_lane(result, 2, load<f32>(address, 8));
  return result;
}

/** Stores the first `count` elements. */
export function storeSome(address: usize, v: v128, count: u32): void {
  if (count >= 4) v128.store(address, v);
  else storeFew(address, v, count);
}

function storeFew(address: usize, v: v128, count: u32): void {
  if (count > 0) store<f32>(address, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(address, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(address, f32x4.extract_lane(v, 2), 8);
}

/** Returns a mask with ones in the lanes below `count`. */
export function lanesBelow(count: u32): v128 {
  return i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/**
 * Returns a number of static memory in all lanes, with one instruction. A vector literal takes four, and newer V8 (14)
 * repeats them in every iteration of a loop; with this, attention takes three quarters of the time.
 */
export function constant(address: usize): v128 {
  return v128.load_splat<f32>(address);
}

const MIN = memory.data<f32>([-87.3]);
const MAX = memory.data<f32>([88.3]);
const LOG2_E = memory.data<f32>([1.44269504088896341]);
const ROUNDING = memory.data<f32>([12582912.0]);
const MINUS_LN2_HIGH = memory.data<f32>([-0.693359375]);
const MINUS_LN2_LOW = memory.data<f32>([2.1219444e-4]);
const EXP_2 = memory.data<f32>([5.0000001201e-1]);
const EXP_3 = memory.data<f32>([1.6666665459e-1]);
const EXP_4 = memory.data<f32>([4.1665795894e-2]);
const EXP_5 = memory.data<f32>([8.3334519073e-3]);
const EXP_6 = memory.data<f32>([1.3981999507e-3]);
const EXP_7 = memory.data<f32>([1.98756915e-4]);

/** e^x with a relative error of about 1e-7; below -87.3 it is 0, above 88.3 it stays about 2e38. (Cephes' expf.) */
export function exp4(x: v128): v128 {
  const vanishes = f32x4.lt(x, constant(MIN));
  x = f32x4.pmin(x, constant(MAX));
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the lowest bits.
  const shifted = madd(x, constant(LOG2_E), constant(ROUNDING));
  const n = f32x4.sub(shifted, constant(ROUNDING));
  let r = madd(n, constant(MINUS_LN2_HIGH), x);
  r = madd(n, constant(MINUS_LN2_LOW), r);
  // Estrin's scheme: the dependency chain is half as long as in Horner's.
  const rr = f32x4.mul(r, r);
  const sixth = madd(constant(EXP_7), r, constant(EXP_6));
  const fourth = madd(constant(EXP_5), r, constant(EXP_4));
  const second = madd(constant(EXP_3), r, constant(EXP_2));
  const p = madd(madd(madd(sixth, rr, fourth), rr, second), rr, f32x4.add(r, f32x4.splat(1)));
  return v128.andnot(i32x4.add(p, i32x4.shl(shifted, 23)), vanishes);
}

const MIN_POWER = memory.data<f32>([-127]);
const MAX_POWER = memory.data<f32>([127]);
const ONE = memory.data<f32>([1]);
const EXP2_1 = memory.data<f32>([0.6931469775989922]);
const EXP2_2 = memory.data<f32>([0.24022242085262402]);
const EXP2_3 = memory.data<f32>([0.055507337434972125]);
const EXP2_4 = memory.data<f32>([0.009671512644822257]);
const EXP2_5 = memory.data<f32>([0.0013264727123511728]);

/**
 * 2^x with a relative error of about 2e-7 between -126 and 127: where log2(e) can be folded into a factor that is
 * multiplied by anyway, it gives e^x in three quarters of exp4's instructions. From -127 down it is 0; above 127 it stays 2^127.
 */
export function exp2(x: v128): v128 {
  return exp2Below(f32x4.pmin(x, constant(MAX_POWER)));
}

/**
 * The same for x of at most 127. (Minimax relative error on [-1/2, 1/2]: 9e-8. The bits of 0 at -127 result from lowering the
 * exponent of 1 by 127.)
 */
export function exp2Below(x: v128): v128 {
  x = f32x4.pmax(x, constant(MIN_POWER));
  const shifted = f32x4.add(x, constant(ROUNDING));
  const r = f32x4.sub(x, f32x4.sub(shifted, constant(ROUNDING)));
  const rr = f32x4.mul(r, r);
  const fourth = madd(constant(EXP2_5), r, constant(EXP2_4));
  const second = madd(constant(EXP2_3), r, constant(EXP2_2));
  const first = madd(constant(EXP2_1), r, constant(ONE));
  return i32x4.add(madd(madd(fourth, rr, second), rr, first), i32x4.shl(shifted, 23));
}

const MINUS_LOG2_E = memory.data<f32>([-1.44269504088896341]);

/** 1 / (1 + e^-x). */
export function sigmoid4(x: v128): v128 {
  return f32x4.div(constant(ONE), f32x4.add(constant(ONE), exp2(f32x4.mul(x, constant(MINUS_LOG2_E)))));
}

/** Transposes four rows of four elements: stores column i at `out + i * stride`. */
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, out: usize, stride: usize): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(out + stride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  v128.store(out + 2 * stride, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
  v128.store(out + 3 * stride, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
}
