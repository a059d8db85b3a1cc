// Norms of gradients. Formulas: gpu/gradient_squares.wgsl, gpu/gradient_norms.wgsl, gpu/gradient_total.wgsl.
import { GradientNorms, GradientSquares, GradientTotal } from "./commands";
import { firstOf } from "./threads";
import { constant, loadSome, madd, sumOf } from "./vectors";

const BLOCK: u32 = 64;
const INFINITE = memory.data<i32>([0x7f800000]);

export function gradientSquares(p: GradientSquares, thread: u32, threads: u32): void {
  const blocks = (p.size + BLOCK - 1) / BLOCK;
  const end = firstOf(blocks, thread + 1, threads);
  const infinite = constant(INFINITE);
  const unscale = v128.load_splat<f32>(p.lossScale, 4);
  for (let block = firstOf(blocks, thread, threads); block < end; block++) {
    let from = p.gradient + ((<usize>(block * BLOCK)) << 2);
    const count = min(BLOCK, p.size - block * BLOCK);
    let squares = f32x4.splat(0);
    let faults = i32x4.splat(0);
    for (const whole = from + ((<usize>(count & ~3)) << 2); from < whole; from += 16) {
      const value = v128.load(from);
      faults = i32x4.sub(faults, i32x4.eq(v128.and(value, infinite), infinite));
      const unscaled = f32x4.mul(unscale, value);
      squares = madd(unscaled, unscaled, squares);
    }
    const rest = loadSome(from, count & 3);
    faults = i32x4.sub(faults, i32x4.eq(v128.and(rest, infinite), infinite));
    const unscaled = f32x4.mul(unscale, rest);
    squares = madd(unscaled, unscaled, squares);
    store<f32>(p.sums + ((<usize>block) << 3), sumOf(squares));
    store<f32>(p.sums + ((<usize>block) << 3), sumOf(f32x4.convert_i32x4_s(faults)), 4);
  }
}

export function gradientNorms(p: GradientNorms, thread: u32, threads: u32): void {
  const end = firstOf(p.count, thread + 1, threads);
  for (let parameter = firstOf(p.count, thread, threads); parameter < end; parameter++) {
    const range = p.ranges + ((<usize>parameter) << 4);
    const blocks: u32 = load<u32>(range, 8) ? load<u32>(range, 4) : 0;
    let sums = p.sums + ((<usize>load<u32>(range)) << 3);
    let squares: f64 = 0;
    let faults: f32 = 0;
    for (let block: u32 = 0; block < blocks; block++, sums += 8) {
      squares += load<f32>(sums);
      faults += load<f32>(sums, 4);
    }
    store<f32>(p.norms + ((<usize>parameter) << 3), <f32>squares);
    store<f32>(p.norms + ((<usize>parameter) << 3), faults, 4);
  }
}

export function gradientTotal(p: GradientTotal, thread: u32): void {
  if (thread > 0) return;
  let squares: f64 = 0;
  let firstFault: u32 = 0;
  for (let parameter: u32 = 0; parameter < p.count; parameter++) {
    squares += load<f32>(p.norms + ((<usize>parameter) << 3));
    if (!firstFault && load<f32>(p.norms + ((<usize>parameter) << 3), 4) > 0) firstFault = parameter + 1;
  }
  const norm = <f32>sqrt<f64>(squares);
  store<f32>(p.total, norm);
  store<f32>(p.total, p.maxNorm >= 0 && !firstFault ? min<f32>(1, p.maxNorm / (norm + 1e-6)) : 1, 4);
  store<f32>(p.total, <f32>firstFault, 8);
}
