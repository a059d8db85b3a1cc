// BatchNorm over the rows. Formulas: gpu/batch_statistics.wgsl, gpu/batch_norm.wgsl, gpu/batch_norm_sums.wgsl,
// gpu/batch_norm_backward.wgsl; eps = 1e-5, momentum 0.1.
import { BatchNorm, BatchNormBackward, BatchNormSums, BatchStatistics } from "./commands";
import { GROUP, PART_ROWS } from "./sums";
import { firstOf } from "./threads";
import { loadSome, madd, storeSome } from "./vectors";

const EPSILON: f32 = 1e-5;
const MOMENTUM: f32 = 0.1;

/** Returns 1 / sqrt(variance + eps) of four columns. */
function scaleOf(variance: usize, some: u32): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(loadSome(variance, some), f32x4.splat(EPSILON))));
}

/** Moves the lanes of `sound`; the others stay. */
function moveTowards(running: usize, value: v128, sound: v128, some: u32): void {
  const old = loadSome(running, some);
  const moved = madd(f32x4.splat(MOMENTUM), f32x4.sub(value, old), old);
  storeSome(running, v128.bitselect(moved, old, sound), some);
}

export function batchStatistics(p: BatchStatistics, thread: u32, threads: u32): void {
  const groups = (p.width + GROUP - 1) / GROUP;
  const end = min(p.width, firstOf(groups, thread + 1, threads) * GROUP);
  const stride = (<usize>p.width) << 2;
  for (let c = firstOf(groups, thread, threads) * GROUP; c < end; c += 4) {
    const some = end - c;
    const at = (<usize>c) << 2;
    let total = f32x4.splat(0);
    for (let part: u32 = 0; part < p.rows; part += PART_ROWS) {
      const last = min(part + PART_ROWS, p.rows);
      let sum = f32x4.splat(0);
      for (let row = part; row < last; row++) sum = f32x4.add(sum, loadSome(p.x + row * stride + at, some));
      total = f32x4.add(total, sum);
    }
    const mean = f32x4.div(total, f32x4.splat(<f32>p.rows));
    let squares = f32x4.splat(0);
    for (let part: u32 = 0; part < p.rows; part += PART_ROWS) {
      const last = min(part + PART_ROWS, p.rows);
      let sum = f32x4.splat(0);
      for (let row = part; row < last; row++) {
        const from = f32x4.sub(loadSome(p.x + row * stride + at, some), mean);
        sum = madd(from, from, sum);
      }
      squares = f32x4.add(squares, sum);
    }
    storeSome(p.mean + at, mean, some);
    storeSome(p.variance + at, f32x4.div(squares, f32x4.splat(<f32>p.rows)), some);
    // One bad batch must not ruin a model for good.
    const sound = f32x4.lt(squares, f32x4.splat(Infinity));
    const unbiased = f32x4.div(squares, f32x4.splat(<f32>(max<u32>(p.rows, 2) - 1)));
    moveTowards(p.runningMean + at, mean, sound, some);
    moveTowards(p.runningVariance + at, unbiased, sound, some);
  }
}

export function batchNorm(p: BatchNorm, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const first = (<usize>row * p.width) << 2;
    for (let c: u32 = 0; c < p.width; c += 4) {
      const at = (<usize>c) << 2;
      const some = p.width - c;
      const n = f32x4.mul(
        f32x4.sub(loadSome(p.x + first + at, some), loadSome(p.mean + at, some)),
        scaleOf(p.variance + at, some),
      );
      storeSome(p.y + first + at, madd(n, loadSome(p.weight + at, some), loadSome(p.bias + at, some)), some);
    }
  }
}

/**
 * sums [2, width]: the sums of dy and of dy n. If wanted, they are added or written to the gradients of bias and
 * weight.
 */
export function batchNormSums(p: BatchNormSums, thread: u32, threads: u32): void {
  const groups = (p.width + GROUP - 1) / GROUP;
  const end = min(p.width, firstOf(groups, thread + 1, threads) * GROUP);
  const stride = (<usize>p.width) << 2;
  for (let c = firstOf(groups, thread, threads) * GROUP; c < end; c += 4) {
    const some = end - c;
    const at = (<usize>c) << 2;
    const mean = loadSome(p.mean + at, some);
    let total = f32x4.splat(0);
    let totalProduct = f32x4.splat(0);
    for (let part: u32 = 0; part < p.rows; part += PART_ROWS) {
      const last = min(part + PART_ROWS, p.rows);
      let sum = f32x4.splat(0);
      let product = f32x4.splat(0);
      for (let row = part; row < last; row++) {
        const dy = loadSome(p.dy + row * stride + at, some);
        sum = f32x4.add(sum, dy);
        product = madd(dy, f32x4.sub(loadSome(p.x + row * stride + at, some), mean), product);
      }
      total = f32x4.add(total, sum);
      totalProduct = f32x4.add(totalProduct, product);
    }
    totalProduct = f32x4.mul(totalProduct, scaleOf(p.variance + at, some));
    storeSome(p.sums + at, total, some);
    storeSome(p.sums + stride + at, totalProduct, some);
    give(p.dbias, p.accumulateBias, at, total, some);
    give(p.dweight, p.accumulateWeight, at, totalProduct, some);
  }
}

function give(to: usize, accumulate: u32, at: usize, value: v128, some: u32): void {
  if (!to) return;
  storeSome(to + at, accumulate ? f32x4.add(loadSome(to + at, some), value) : value, some);
}

export function batchNormBackward(p: BatchNormBackward, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  const share = f32x4.splat(1 / <f32>p.rows);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const first = (<usize>row * p.width) << 2;
    for (let c: u32 = 0; c < p.width; c += 4) {
      const at = (<usize>c) << 2;
      const some = p.width - c;
      const scale = scaleOf(p.variance + at, some);
      let value = loadSome(p.dy + first + at, some);
      if (p.training) {
        const n = f32x4.mul(f32x4.sub(loadSome(p.x + first + at, some), loadSome(p.mean + at, some)), scale);
        const sums = madd(n, loadSome(p.sums + ((<usize>p.width) << 2) + at, some), loadSome(p.sums + at, some));
        value = f32x4.sub(value, f32x4.mul(sums, share));
      }
      value = f32x4.mul(value, f32x4.mul(scale, loadSome(p.weight + at, some)));
      if (p.accumulate) value = f32x4.add(value, loadSome(p.x_gradient + first + at, some));
      storeSome(p.x_gradient + first + at, value, some);
    }
  }
}
