// The core of every product: six rows times panels of 8 columns, in registers, with the inner dimension in order.
//
//     out[r, 8 p + c] (+)= sum over inner of strip[k, r] * panel_p[k, c]
//
//     strip   six rows side by side, [inner, 6], `step` bytes from one k to the next
//     panels  [count][inner, 8]; out rows are `stride` bytes apart
//
// Fifteen registers hold twelve sums, two vectors of the panel and one element of a row. A processor that begins two
// fused multiply-adds per cycle with a latency of four cycles needs more than eight sums to be always busy. A row's
// bits do not depend on the rows it shares a tile with.
//
// Hosts without guard pages (Deno) check the bounds of every load, by a branch that competes with the multiplications
// for a port. V8 leaves a check out if an earlier load from the same address ended at the same byte. So rows are taken
// in pairs: the first is half of a load that ends where the second's does, and five checks serve eight loads.
import { TILE_ROWS } from "../out/shared";
import { madd } from "./vectors";

/**
 * Multiplies `rows` rows by the panels. The strip of rows 6 t to 6 t + 5 lies at strips + t * stripBytes. `out` has room for a
 * multiple of six rows; those beyond the last are not to be read.
 */
export function multiplyRows(
  strips: usize,
  stripBytes: usize,
  step: usize,
  rows: u32,
  panels: usize,
  count: u32,
  inner: u32,
  out: usize,
  stride: usize,
  add: bool,
): void {
  for (let row: u32 = 0; row < rows; row += TILE_ROWS, strips += stripBytes, out += TILE_ROWS * stride) {
    tile(strips, step, panels, count, inner, out, stride, add);
  }
}

/** Returns the first of two elements in all lanes. */
function first(pair: v128): v128 {
  return v128.shuffle<f32>(pair, pair, 0, 0, 0, 0);
}

/** The loop over the panels is in here because a call costs as much as a dozen steps of the inner dimension. */
function tile(
  strip: usize,
  step: usize,
  panel: usize,
  count: u32,
  inner: u32,
  out: usize,
  stride: usize,
  add: bool,
): void {
  const end = strip + inner * step;
  for (let i: u32 = 0; i < count; i++) {
    let row = strip;
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
    // Four steps per iteration: a quarter of the branches and of what an iteration needs anyway. The exits between them
    // keep compilers from interleaving the steps, for which there are too few registers.
    while (row < end) {
      let low = v128.load(panel);
      let high = v128.load(panel, 16);
      let left = first(v128.load_splat<u64>(row));
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row, 4);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = first(v128.load_splat<u64>(row, 8));
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row, 12);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = first(v128.load_splat<u64>(row, 16));
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row, 20);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row += step;
      panel += 32;
      if (row == end) break;
      low = v128.load(panel);
      high = v128.load(panel, 16);
      left = first(v128.load_splat<u64>(row));
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row, 4);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = first(v128.load_splat<u64>(row, 8));
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row, 12);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = first(v128.load_splat<u64>(row, 16));
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row, 20);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row += step;
      panel += 32;
      if (row == end) break;
      low = v128.load(panel);
      high = v128.load(panel, 16);
      left = first(v128.load_splat<u64>(row));
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row, 4);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = first(v128.load_splat<u64>(row, 8));
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row, 12);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = first(v128.load_splat<u64>(row, 16));
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row, 20);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row += step;
      panel += 32;
      if (row == end) break;
      low = v128.load(panel);
      high = v128.load(panel, 16);
      left = first(v128.load_splat<u64>(row));
      low0 = madd(left, low, low0);
      high0 = madd(left, high, high0);
      left = v128.load_splat<f32>(row, 4);
      low1 = madd(left, low, low1);
      high1 = madd(left, high, high1);
      left = first(v128.load_splat<u64>(row, 8));
      low2 = madd(left, low, low2);
      high2 = madd(left, high, high2);
      left = v128.load_splat<f32>(row, 12);
      low3 = madd(left, low, low3);
      high3 = madd(left, high, high3);
      left = first(v128.load_splat<u64>(row, 16));
      low4 = madd(left, low, low4);
      high4 = madd(left, high, high4);
      left = v128.load_splat<f32>(row, 20);
      low5 = madd(left, low, low5);
      high5 = madd(left, high, high5);
      row += step;
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
