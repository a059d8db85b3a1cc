// RMSNorm. Formulas: gpu/norm_position.wgsl, gpu/norm_backward.wgsl; eps = 2^-23.
import { NormPosition, RmsNormBackward } from "./commands";
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

/** y[i] = RMSNorm(x[from(i)]; norm) (+ offsets[i] P^T + b_P), and the scale if wanted. P is [width, dimensions]. */
export function normPosition(p: NormPosition, thread: u32, threads: u32): void {
  const rowBytes = (<usize>((p.width + 3) & ~3)) << 2;
  const axes = p.scratch + <usize>thread * p.scratchBytes;
  if (p.positionWeight) splitAxes(p, axes, rowBytes);
  const end = firstOf(p.rows, thread + 1, threads);
  for (let row = firstOf(p.rows, thread, threads); row < end; row++) {
    const x = rowOf(p.x, p.gather, row, p.width);
    const y = rowOf(p.y, 0, row, p.width);
    const offsets = rowOf(p.offsets, 0, row, p.dimensions);
    const scale = scaleOf(x, p.width);
    if (p.scale) store<f32>(p.scale + ((<usize>row) << 2), scale);
    for (let k: u32 = 0; k < p.width; k += 4) {
      const at = (<usize>k) << 2;
      const some = p.width - k;
      let value = f32x4.mul(f32x4.mul(loadSome(x + at, some), f32x4.splat(scale)), loadSome(p.norm + at, some));
      if (p.positionWeight) {
        value = f32x4.add(value, loadSome(p.positionBias + at, some));
        let axis = axes + at;
        for (let a: usize = 0; a < (<usize>p.dimensions) << 2; a += 4, axis += rowBytes) {
          value = madd(v128.load_splat<f32>(offsets + a), v128.load(axis), value);
        }
      }
      storeSome(y + at, value, some);
    }
  }
}

/** Transposes the positional weight: axes [dimensions, width], rows `rowBytes` apart. */
function splitAxes(p: NormPosition, axes: usize, rowBytes: usize): void {
  for (let k: usize = 0; k < p.width; k++) {
    for (let a: usize = 0; a < p.dimensions; a++) {
      store<f32>(axes + a * rowBytes + (k << 2), load<f32>(p.positionWeight + ((k * p.dimensions + a) << 2)));
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
