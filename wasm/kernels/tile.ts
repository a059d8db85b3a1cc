// The core of every product: four rows against panels of 8 columns, in registers, the inner dimension in order.
//
//     out[r, 8 p + c] (+)= sum over inner of row_r[k] * panel_p[k, c]       panels [count][inner, 8], out rows `stride` bytes apart
//
// Sixteen registers hold eight sums, two vectors of the panel and one number of a row. A row's bits do not depend on the
// rows it shares a tile with. The loop over the panels stands in here because a call costs as much as a dozen steps of the
// inner dimension, and many products have only 16 or 32.
import { madd } from "./vectors";

export function tiles(
  row0: usize,
  row1: usize,
  row2: usize,
  row3: usize,
  panel: usize,
  count: u32,
  inner: u32,
  out: usize,
  stride: usize,
  add: bool,
): void {
  const first = row0;
  const end = row0 + ((<usize>inner) << 2);
  const endOfPairs = row0 + ((<usize>(inner & ~1)) << 2);
  // One moving address and three distances: fewer registers and additions than four moving addresses.
  row1 -= row0;
  row2 -= row0;
  row3 -= row0;
  for (let i: u32 = 0; i < count; i++) {
    row0 = first;
    let low0 = f32x4.splat(0);
    let low1 = f32x4.splat(0);
    let low2 = f32x4.splat(0);
    let low3 = f32x4.splat(0);
    let high0 = f32x4.splat(0);
    let high1 = f32x4.splat(0);
    let high2 = f32x4.splat(0);
    let high3 = f32x4.splat(0);
    let low: v128;
    let high: v128;
    let left: v128;
    while (row0 < endOfPairs) {
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
      low = v128.load(panel, 32);
      high = v128.load(panel, 48);
      left = v128.load_splat<f32>(row0, 4);
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row0 + row1, 4);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = v128.load_splat<f32>(row0 + row2, 4);
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row0 + row3, 4);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      row0 += 8;
      panel += 64;
    }
    if (row0 < end) {
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
      panel += 32;
    }
    const out1 = out + stride;
    const out2 = out1 + stride;
    const out3 = out2 + stride;
    if (add) {
      low0 = f32x4.add(low0, v128.load(out));
      high0 = f32x4.add(high0, v128.load(out, 16));
      low1 = f32x4.add(low1, v128.load(out1));
      high1 = f32x4.add(high1, v128.load(out1, 16));
      low2 = f32x4.add(low2, v128.load(out2));
      high2 = f32x4.add(high2, v128.load(out2, 16));
      low3 = f32x4.add(low3, v128.load(out3));
      high3 = f32x4.add(high3, v128.load(out3, 16));
    }
    v128.store(out, low0);
    v128.store(out, high0, 16);
    v128.store(out1, low1);
    v128.store(out1, high1, 16);
    v128.store(out2, low2);
    v128.store(out2, high2, 16);
    v128.store(out3, low3);
    v128.store(out3, high3, 16);
    out += 32;
  }
}
