// Packing for tile.ts, with the inner dimension outermost: panels of 8 columns, [inner, 8], and strips of 6 rows, [inner, 6].
// What lies beyond the last column or row repeats the last or is 0: its results are never read.
import { TILE_ROWS } from "../out/shared";
import { loadSome, storeTransposed } from "./vectors";

/** The bytes of a strip from one step of the inner dimension to the next. */
export const STRIP_STEP: usize = (<usize>TILE_ROWS) << 2;

/** Packs a panel from eight rows of a matrix that lie along the inner dimension. */
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
  panel: usize,
): void {
  let k: usize = 0;
  const end = (<usize>inner) << 2;
  const whole = (<usize>(inner & ~3)) << 2;
  for (; k < whole; k += 16, panel += 128) {
    const a = v128.load(row0 + k);
    const b = v128.load(row1 + k);
    const c = v128.load(row2 + k);
    const d = v128.load(row3 + k);
    const e = v128.load(row4 + k);
    const f = v128.load(row5 + k);
    const g = v128.load(row6 + k);
    const h = v128.load(row7 + k);
    storeTransposed(a, b, c, d, panel, 32);
    storeTransposed(e, f, g, h, panel + 16, 32);
  }
  for (; k < end; k += 4, panel += 32) {
    store<f32>(panel, load<f32>(row0 + k));
    store<f32>(panel, load<f32>(row1 + k), 4);
    store<f32>(panel, load<f32>(row2 + k), 8);
    store<f32>(panel, load<f32>(row3 + k), 12);
    store<f32>(panel, load<f32>(row4 + k), 16);
    store<f32>(panel, load<f32>(row5 + k), 20);
    store<f32>(panel, load<f32>(row6 + k), 24);
    store<f32>(panel, load<f32>(row7 + k), 28);
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

/**
 * Packs `rows` rows, `rowBytes` apart, that lie along the inner dimension into strips; row i lies at left + from(i) * rowBytes,
 * from(i) = gather[first + i] or first + i.
 */
export function packStrips(
  left: usize,
  rowBytes: usize,
  gather: usize,
  first: u32,
  rows: u32,
  inner: u32,
  strip: usize,
): void {
  const last = first + rows - 1;
  for (let row = first; row <= last; row += TILE_ROWS, strip += inner * STRIP_STEP) {
    packStrip(
      rowAt(left, rowBytes, gather, row),
      rowAt(left, rowBytes, gather, min(row + 1, last)),
      rowAt(left, rowBytes, gather, min(row + 2, last)),
      rowAt(left, rowBytes, gather, min(row + 3, last)),
      rowAt(left, rowBytes, gather, min(row + 4, last)),
      rowAt(left, rowBytes, gather, min(row + 5, last)),
      inner,
      strip,
    );
  }
}

function rowAt(left: usize, rowBytes: usize, gather: usize, row: u32): usize {
  const from: usize = gather ? load<u32>(gather + ((<usize>row) << 2)) : row;
  return left + from * rowBytes;
}

function packStrip(
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  row4: usize,
  row5: usize,
  inner: u32,
  strip: usize,
): void {
  let k: usize = 0;
  const end = (<usize>inner) << 2;
  const whole = (<usize>(inner & ~3)) << 2;
  for (; k < whole; k += 16, strip += 4 * STRIP_STEP) {
    storeTransposed(
      v128.load(row0 + k),
      v128.load(row1 + k),
      v128.load(row2 + k),
      v128.load(row3 + k),
      strip,
      STRIP_STEP,
    );
    const e = v128.load(row4 + k);
    const f = v128.load(row5 + k);
    const low = v128.shuffle<f32>(e, f, 0, 4, 1, 5);
    const high = v128.shuffle<f32>(e, f, 2, 6, 3, 7);
    v128.store_lane<u64>(strip, low, 0, 16);
    v128.store_lane<u64>(strip, low, 1, 16 + STRIP_STEP);
    v128.store_lane<u64>(strip, high, 0, 16 + 2 * STRIP_STEP);
    v128.store_lane<u64>(strip, high, 1, 16 + 3 * STRIP_STEP);
  }
  for (; k < end; k += 4, strip += STRIP_STEP) {
    store<f32>(strip, load<f32>(row0 + k));
    store<f32>(strip, load<f32>(row1 + k), 4);
    store<f32>(strip, load<f32>(row2 + k), 8);
    store<f32>(strip, load<f32>(row3 + k), 12);
    store<f32>(strip, load<f32>(row4 + k), 16);
    store<f32>(strip, load<f32>(row5 + k), 20);
  }
}

/** Packs a strip from `rows` (at most 6) contiguous elements in each of `inner` places, `stride` bytes apart. */
export function packStripAcross(from: usize, stride: usize, rows: u32, inner: u32, strip: usize): void {
  const end = strip + inner * STRIP_STEP;
  if (rows >= TILE_ROWS) {
    for (; strip < end; strip += STRIP_STEP, from += stride) {
      v128.store(strip, v128.load(from));
      store<u64>(strip, load<u64>(from, 16), 16);
    }
    return;
  }
  const more = rows > 4 ? rows - 4 : 0;
  for (; strip < end; strip += STRIP_STEP, from += stride) {
    v128.store(strip, loadSome(from, rows));
    v128.store_lane<u64>(strip, loadSome(from + 16, more), 0, 16);
  }
}
