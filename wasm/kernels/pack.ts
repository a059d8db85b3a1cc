// Packing for tile.ts: panels of 8 columns with the inner dimension outermost, [inner, 8], and rows with it innermost.
// Columns beyond the last repeat the last: their results are never read.
import { loadSome, storeTransposed } from "./vectors";

/** Packs a panel from eight rows of a matrix that lie along the inner dimension, times factors[k] if given. */
export function packRows(
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  row4: usize,
  row5: usize,
  row6: usize,
  row7: usize,
  inner: u32,
  factors: usize,
  panel: usize,
): void {
  let k: usize = 0;
  const end = (<usize>inner) << 2;
  const whole = (<usize>(inner & ~3)) << 2;
  for (; k < whole; k += 16, panel += 128) {
    let a = v128.load(row0 + k);
    let b = v128.load(row1 + k);
    let c = v128.load(row2 + k);
    let d = v128.load(row3 + k);
    let e = v128.load(row4 + k);
    let f = v128.load(row5 + k);
    let g = v128.load(row6 + k);
    let h = v128.load(row7 + k);
    if (factors) {
      const factor = v128.load(factors + k);
      a = f32x4.mul(a, factor);
      b = f32x4.mul(b, factor);
      c = f32x4.mul(c, factor);
      d = f32x4.mul(d, factor);
      e = f32x4.mul(e, factor);
      f = f32x4.mul(f, factor);
      g = f32x4.mul(g, factor);
      h = f32x4.mul(h, factor);
    }
    storeTransposed(a, b, c, d, panel, 32);
    storeTransposed(e, f, g, h, panel + 16, 32);
  }
  for (; k < end; k += 4, panel += 32) {
    const factor: f32 = factors ? load<f32>(factors + k) : 1;
    store<f32>(panel, load<f32>(row0 + k) * factor);
    store<f32>(panel, load<f32>(row1 + k) * factor, 4);
    store<f32>(panel, load<f32>(row2 + k) * factor, 8);
    store<f32>(panel, load<f32>(row3 + k) * factor, 12);
    store<f32>(panel, load<f32>(row4 + k) * factor, 16);
    store<f32>(panel, load<f32>(row5 + k) * factor, 20);
    store<f32>(panel, load<f32>(row6 + k) * factor, 24);
    store<f32>(panel, load<f32>(row7 + k) * factor, 28);
  }
}

/** Packs a panel from `columns` (at most 8) contiguous elements in each of `inner` rows, `stride` bytes apart. */
export function packColumns(from: usize, stride: usize, columns: u32, inner: u32, panel: usize): void {
  const end = panel + ((<usize>inner) << 5);
  if (columns >= 8) {
    for (; panel < end; panel += 32, from += stride) {
      v128.store(panel, v128.load(from));
      v128.store(panel, v128.load(from, 16), 16);
    }
    return;
  }
  const more = columns > 4 ? columns - 4 : 0;
  for (; panel < end; panel += 32, from += stride) {
    v128.store(panel, loadSome(from, columns));
    v128.store(panel, loadSome(from + 16, more), 16);
  }
}
