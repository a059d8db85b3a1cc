// LayerNorm over the channels. Formulas: gpu/layer_norm.wgsl, gpu/norm_backward.wgsl; eps = 1e-5.
import { LayerNorm, LayerNormBackward } from "./commands";
import { firstOf } from "./threads";
import { lanesBelow, loadSome, madd, storeSome, sumOf } from "./vectors";

const EPSILON: f32 = 1e-5;

export function meanOf(row: usize, width: u32): f32 {
  let sum = f32x4.splat(0);
  const end = row + ((<usize>(width & ~3)) << 2);
  for (; row < end; row += 16) sum = f32x4.add(sum, v128.load(row));
  if (width & 3) sum = f32x4.add(sum, loadSome(row, width & 3));
  return sumOf(sum) / <f32>width;
}

/** Returns 1 / sqrt(variance + eps). */
export function inverseDeviationOf(row: usize, width: u32, mean: f32): f32 {
  const centre = f32x4.splat(mean);
  let squares = f32x4.splat(0);
  const end = row + ((<usize>(width & ~3)) << 2);
  for (; row < end; row += 16) {
    const from = f32x4.sub(v128.load(row), centre);
    squares = madd(from, from, squares);
  }
  if (width & 3) {
    const from = v128.and(f32x4.sub(loadSome(row, width & 3), centre), lanesBelow(width & 3));
    squares = madd(from, from, squares);
  }
  return 1 / sqrt<f32>(sumOf(squares) / <f32>width + EPSILON);
}

export function layerNorm(p: LayerNorm, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const first = (<usize>row * p.width) << 2;
    const mean = meanOf(p.x + first, p.width);
    const scale = f32x4.splat(inverseDeviationOf(p.x + first, p.width, mean));
    for (let k: u32 = 0; k < p.width; k += 4) {
      const at = (<usize>k) << 2;
      const some = p.width - k;
      const n = f32x4.mul(f32x4.sub(loadSome(p.x + first + at, some), f32x4.splat(mean)), scale);
      const normed = madd(n, loadSome(p.weight + at, some), loadSome(p.bias + at, some));
      storeSome(p.y + first + at, f32x4.add(loadSome(p.residual + first + at, some), normed), some);
    }
  }
}

/** Computes `normalised` and dx; dx is optional. */
export function layerNormBackward(p: LayerNormBackward, thread: u32, threads: u32): void {
  const width = p.width;
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const first = (<usize>row * width) << 2;
    const x = p.x + first;
    const normalised = p.normalised + first;
    const mean = meanOf(x, width);
    const scale = f32x4.splat(inverseDeviationOf(x, width, mean));
    let sum = f32x4.splat(0);
    let product = f32x4.splat(0);
    for (let k: u32 = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const some = width - k;
      const g = f32x4.mul(loadSome(p.dy + first + at, some), loadSome(p.weight + at, some));
      const n = f32x4.mul(f32x4.sub(loadSome(x + at, some), f32x4.splat(mean)), scale);
      sum = f32x4.add(sum, g);
      product = madd(g, n, product);
      storeSome(normalised + at, n, some);
    }
    if (!p.dx) continue;
    const meanG = f32x4.splat(sumOf(sum) / <f32>width);
    const meanProduct = f32x4.splat(sumOf(product) / <f32>width);
    for (let k: u32 = 0; k < width; k += 4) {
      const at = (<usize>k) << 2;
      const some = width - k;
      const g = f32x4.mul(loadSome(p.dy + first + at, some), loadSome(p.weight + at, some));
      const n = loadSome(normalised + at, some);
      let value = f32x4.mul(scale, f32x4.sub(f32x4.sub(g, meanG), f32x4.mul(n, meanProduct)));
      if (p.accumulate) value = f32x4.add(value, loadSome(p.dx + first + at, some));
      storeSome(p.dx + first + at, value, some);
    }
  }
}
