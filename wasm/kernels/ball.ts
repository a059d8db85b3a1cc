// What ball attention's forward and backward passes share: distances within a ball, and panels of its keys and values.
import { KEPT_DISTANCES } from "../out/shared";
import { packColumns, packRows } from "./pack";
import { loadSome, madd, storeSome } from "./vectors";

/** Scores are multiplied by log2(e), so that the softmax computes powers of two. */
export const LOG2_E: f32 = 1.44269504088896341;

/** Whether the distances between all points of a ball are computed once for all heads. */
export function keepsDistances(size: u32): bool {
  return size <= KEPT_DISTANCES;
}

/** Returns the smallest multiple of 8 that is not below n. */
export function eights(n: u32): u32 {
  return (n + 7) & ~7;
}

/** Transposes positions: axes [dimensions, eights(size)], with zeros beyond the last point. */
export function splitAxes(positions: usize, size: u32, dimensions: u32, axes: usize): void {
  const padded = eights(size);
  for (let a: u32 = 0; a < dimensions; a++) {
    for (let i: u32 = 0; i < padded; i++, axes += 4) {
      store<f32>(axes, i < size ? load<f32>(positions + ((<usize>(i * dimensions + a)) << 2)) : 0);
    }
  }
}

/** Computes out[j] = |p_query - p_j| for all points of a ball. */
export function distancesFrom(query: u32, axes: usize, size: u32, dimensions: u32, out: usize): void {
  const rowBytes = (<usize>eights(size)) << 2;
  for (let j: usize = 0; j < rowBytes; j += 16) {
    let squares = f32x4.splat(0);
    let axis = axes;
    for (let a: u32 = 0; a < dimensions; a++, axis += rowBytes) {
      const between = f32x4.sub(v128.load_splat<f32>(axis + ((<usize>query) << 2)), v128.load(axis + j));
      squares = madd(between, between, squares);
    }
    v128.store(out + j, f32x4.sqrt(squares));
  }
}

/** Computes the distances between all points of a ball: [size, eights(size)]. */
export function allDistances(axes: usize, size: u32, dimensions: u32, out: usize): void {
  for (let i: u32 = 0; i < size; i++) distancesFrom(i, axes, size, dimensions, out + ((<usize>i * eights(size)) << 2));
}

/**
 * Packs panels of eight rows each (of keys, say), with the head's elements as inner dimension, times factors[k] if
 * given.
 */
export function packPoints(
  first: usize,
  rowBytes: usize,
  size: u32,
  headWidth: u32,
  factors: usize,
  panel: usize,
): void {
  const last = size - 1;
  for (let i: u32 = 0; i < size; i += 8, panel += (<usize>headWidth) << 5) {
    packRows(
      first + i * rowBytes,
      first + min(i + 1, last) * rowBytes,
      first + min(i + 2, last) * rowBytes,
      first + min(i + 3, last) * rowBytes,
      first + min(i + 4, last) * rowBytes,
      first + min(i + 5, last) * rowBytes,
      first + min(i + 6, last) * rowBytes,
      first + min(i + 7, last) * rowBytes,
      headWidth,
      factors,
      panel,
    );
  }
}

/** Packs panels of eight of the head's elements each, with the points as inner dimension. */
export function packHead(first: usize, rowBytes: usize, size: u32, headWidth: u32, panel: usize): void {
  for (let e: u32 = 0; e < headWidth; e += 8, panel += (<usize>size) << 5) {
    packColumns(first + ((<usize>e) << 2), rowBytes, headWidth - e, size, panel);
  }
}

/** Stores `count` elements times a factor. */
export function storeScaled(from: usize, to: usize, count: u32, factor: f32): void {
  for (let c: u32 = 0; c < count; c += 4) {
    const at = (<usize>c) << 2;
    storeSome(to + at, f32x4.mul(loadSome(from + at, count - c), f32x4.splat(factor)), count - c);
  }
}

/** Stores `value` `count` times. */
export function fill(to: usize, count: u32, value: f32): void {
  for (let i: usize = 0; i < count; i++) store<f32>(to + (i << 2), value);
}
