// RMSNorm. Formulas: gpu/norm_position.wgsl, gpu/rms_norm_backward.wgsl, gpu/fold_position.wgsl; eps = 2^-23.
import { FoldPosition, NormPosition, RmsNormBackward, RmsScale } from "./commands";
import { packedRow } from "./finish";
import { firstOf } from "./threads";
import { loadSome, madd, storeSome, sumOf } from "./vectors";

const EPSILON: f32 = 1.1920928955078125e-7;

function scaleOf(row: usize, width: u32): f32 {
  let squares = f32x4.splat(0);
  for (let k: u32 = 0; k < width; k += 4) {
    const x = loadSome(row + ((<usize>k) << 2), width - k);
    squares = madd(x, x, squares);
  }
  return 1 / sqrt<f32>(sumOf(squares) / <f32>width + EPSILON);
}

function rowOf(matrix: usize, gather: usize, row: u32, width: u32): usize {
  const from: usize = gather ? load<u32>(gather + ((<usize>row) << 2)) : row;
  return matrix + ((from * width) << 2);
}

/** scale[i] = 1 / sqrt(mean(x[from(i)]^2) + eps). */
export function rmsScale(p: RmsScale, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    store<f32>(p.scale + ((<usize>row) << 2), scaleOf(rowOf(p.x, p.gather, row, p.width), p.width));
  }
}

/** y[i] = RMSNorm(x[from(i)]; norm) (+ offsets[i] P^T + b_P), and the scale. P is [width, dimensions]. */
export function normPosition(p: NormPosition, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const x = rowOf(p.x, p.gather, row, p.width);
    const y = rowOf(p.y, 0, row, p.width);
    const scale = scaleOf(x, p.width);
    store<f32>(p.scale + ((<usize>row) << 2), scale);
    for (let k: u32 = 0; k < p.width; k += 4) {
      const at = (<usize>k) << 2;
      const some = p.width - k;
      storeSome(
        y + at,
        f32x4.mul(f32x4.mul(loadSome(x + at, some), f32x4.splat(scale)), loadSome(p.norm + at, some)),
        some,
      );
    }
    if (!p.positionWeight) continue;
    const offsets = rowOf(p.offsets, 0, row, p.dimensions);
    let weight = p.positionWeight;
    for (let k: usize = 0; k < (<usize>p.width) << 2; k += 4) {
      let value = load<f32>(y + k) + load<f32>(p.positionBias + k);
      for (let a: usize = 0; a < (<usize>p.dimensions) << 2; a += 4, weight += 4) {
        value += load<f32>(offsets + a) * load<f32>(weight);
      }
      store<f32>(y + k, value);
    }
  }
}

/** dx[from(i)] (+)= scale_i (norm * dy[i] - x[from(i)] scale_i^2 mean(norm * dy[i] * x[from(i)])). */
export function rmsNormBackward(p: RmsNormBackward, thread: u32, threads: u32): void {
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const x = rowOf(p.x, p.gather, row, p.width);
    const dx = rowOf(p.dx, p.gather, row, p.width);
    const dy = rowOf(p.dy, 0, row, p.width);
    let sum = f32x4.splat(0);
    for (let k: u32 = 0; k < p.width; k += 4) {
      const at = (<usize>k) << 2;
      const some = p.width - k;
      sum = madd(f32x4.mul(loadSome(p.norm + at, some), loadSome(dy + at, some)), loadSome(x + at, some), sum);
    }
    const scale = load<f32>(p.scale + ((<usize>row) << 2));
    const shrink = f32x4.splat((sumOf(sum) / <f32>p.width) * scale * scale);
    for (let k: u32 = 0; k < p.width; k += 4) {
      const at = (<usize>k) << 2;
      const some = p.width - k;
      const straight = f32x4.mul(loadSome(p.norm + at, some), loadSome(dy + at, some));
      let value = f32x4.mul(f32x4.splat(scale), f32x4.sub(straight, f32x4.mul(loadSome(x + at, some), shrink)));
      if (p.accumulate) value = f32x4.add(value, loadSome(dx + at, some));
      storeSome(dx + at, value, some);
    }
  }
}

/** folded[a, c] = sum_k W[c, k] P[k, a], folded[D, c] = sum_k W[c, k] b_P[k] + b[c]; c = (t, h, e), folded [D + 1, 3 width]. */
export function foldPosition(p: FoldPosition, thread: u32, threads: u32): void {
  const columns = 3 * p.width;
  // The positional weights with k innermost, so that each axis is a dot product of rows.
  const rowBytes = (<usize>((p.width + 3) & ~3)) << 2;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  for (let k: usize = 0; k < p.width; k++) {
    for (let a: usize = 0; a < p.dimensions; a++) {
      store<f32>(axes + a * rowBytes + (k << 2), load<f32>(p.positionWeight + ((k * p.dimensions + a) << 2)));
    }
    store<f32>(axes + p.dimensions * rowBytes + (k << 2), load<f32>(p.positionBias + (k << 2)));
  }
  const end = firstOf(columns, thread + 1, threads);
  const quads = (<usize>(p.width & ~3)) << 2;
  const rest = p.width & 3;
  for (let c = firstOf(columns, thread, threads); c < end; c++) {
    const row = packedRow(c, p.width);
    const weight = rowOf(p.weight, 0, row, p.width);
    for (let a: usize = 0; a <= p.dimensions; a++) {
      const axis = axes + a * rowBytes;
      let sum = f32x4.splat(0);
      for (let k: usize = 0; k < quads; k += 16) sum = madd(v128.load(weight + k), v128.load(axis + k), sum);
      if (rest) sum = madd(loadSome(weight + quads, rest), loadSome(axis + quads, rest), sum);
      let value = sumOf(sum);
      if (a == p.dimensions) value += load<f32>(p.bias + ((<usize>row) << 2));
      store<f32>(p.folded + ((a * columns + c) << 2), value);
    }
  }
}
