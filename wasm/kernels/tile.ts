// The core of every product: six rows times panels of 8 columns, in registers, with the inner dimension in order.
//
//     out[r, 8 p + c] (+)= sum over inner of row_r[k] * panel_p[k, c]       panels [count][inner, 8], out rows `stride` bytes apart
//
// Fifteen registers hold twelve sums, two vectors of the panel and one element of a row. A processor that begins two
// fused multiply-adds per cycle with a latency of four cycles needs more than eight sums to be always busy. A row's
// bits do not depend on the rows it shares a tile with.
import { TILE_ROWS } from "../out/shared";
import { madd } from "./vectors";

/**
 * Multiplies `rows` rows, `rowBytes` apart, by the panels; row i lies at left + from(i) * rowBytes, from(i) =
 * gather[first + i] or first + i. `out` has room for a multiple of six rows; those beyond the last are not to be read.
 */
export function multiplyRows(
  left: usize,
  rowBytes: usize,
  gather: usize,
  first: u32,
  rows: u32,
  panels: usize,
  count: u32,
  inner: u32,
  out: usize,
  stride: usize,
  add: bool,
): void {
  const last = first + rows - 1;
  for (let row = first; row <= last; row += TILE_ROWS, out += TILE_ROWS * stride) {
    // Beyond the last row the last is repeated.
    tile(
      rowAt(left, rowBytes, gather, row),
      rowAt(left, rowBytes, gather, min(row + 1, last)),
      rowAt(left, rowBytes, gather, min(row + 2, last)),
      rowAt(left, rowBytes, gather, min(row + 3, last)),
      rowAt(left, rowBytes, gather, min(row + 4, last)),
      rowAt(left, rowBytes, gather, min(row + 5, last)),
      panels,
      count,
      inner,
      out,
      stride,
      add,
    );
  }
}

function rowAt(left: usize, rowBytes: usize, gather: usize, row: u32): usize {
  const from: usize = gather ? load<u32>(gather + ((<usize>row) << 2)) : row;
  return left + from * rowBytes;
}

/** The loop over the panels is in here because a call costs as much as a dozen steps of the inner dimension. */
function tile(
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  row4: usize,
  row5: usize,
  panel: usize,
  count: u32,
  inner: u32,
  out: usize,
  stride: usize,
  add: bool,
): void {
  const first = row0;
  const end = row0 + ((<usize>inner) << 2);
  // One moving address and five distances need fewer registers and additions than six moving addresses.
  row1 -= row0;
  row2 -= row0;
  row3 -= row0;
  row4 -= row0;
  row5 -= row0;
  for (let i: u32 = 0; i < count; i++) {
    row0 = first;
    let low0 = f32x4.splat(0);
    let low1 = f32x4.splat(0);
    let low2 = f32x4.splat(0);
    let low3 = f32x4.splat(0);
    let low4 = f32x4.splat(0);
    let low5 = f32x4.splat(0);
    let high0 = f32x4.splat(0);
    let high1 = f32x4.splat(0);
    let high2 = f32x4.splat(0);
    let high3 = f32x4.splat(0);
    let high4 = f32x4.splat(0);
    let high5 = f32x4.splat(0);
    // Two steps per iteration: half as many branches, which share a port with the multiplications. The exit between
    // them keeps compilers from interleaving the two, for which there are too few registers.
    while (row0 < end) {
      let low = v128.load(panel);
      let high = v128.load(panel, 16);
      let left = v128.load_splat<f32>(row0);
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row0 + row1);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = v128.load_splat<f32>(row0 + row2);
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row0 + row3);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = v128.load_splat<f32>(row0 + row4);
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row0 + row5);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row0 += 4;
      panel += 32;
      if (row0 == end) break;
      low = v128.load(panel);
      high = v128.load(panel, 16);
      left = v128.load_splat<f32>(row0);
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row0 + row1);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = v128.load_splat<f32>(row0 + row2);
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row0 + row3);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = v128.load_splat<f32>(row0 + row4);
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row0 + row5);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row0 += 4;
      panel += 32;
    }
    storeSums(out, low0, high0, add);
    storeSums(out + stride, low1, high1, add);
    storeSums(out + 2 * stride, low2, high2, add);
    storeSums(out + 3 * stride, low3, high3, add);
    storeSums(out + 4 * stride, low4, high4, add);
    storeSums(out + 5 * stride, low5, high5, add);
    out += 32;
  }
}

function storeSums(at: usize, low: v128, high: v128, add: bool): void {
  if (add) {
    low = f32x4.add(low, v128.load(at));
    high = f32x4.add(high, v128.load(at, 16));
  }
  v128.store(at, low);
  v128.store(at, high, 16);
}
