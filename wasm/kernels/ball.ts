// What ball attention's forward and backward passes share: distances within a ball, and panels of its keys and values.
import { KEPT_DISTANCES, QUERIES, TILE_ROWS } from "../out/shared";
import { packColumns, packRows } from "./pack";
import { loadSome, madd, storeSome } from "./vectors";

/** Scores are multiplied by log2(e), so that the softmax computes powers of two. */
export const LOG2_E: f32 = 1.44269504088896341;

/** Returns the smallest multiple of 8 that is not below n. */
export function eights(n: u32): u32 {
  return (n + 7) & ~7;
}

/** Returns the smallest multiple of the rows of a tile that is not below n. */
export function sixes(n: u32): u32 {
  return ((n + TILE_ROWS - 1) / TILE_ROWS) * TILE_ROWS;
}

/**
 * Prepares a ball's distances, once for all heads: stores its axes [dimensions, eights(size)], the transposed positions with zeros
 * beyond the last point, and if the ball is small all distances [size, eights(size)].
 */
export function placeBall(positions: usize, size: u32, dimensions: u32, axes: usize, distances: usize): void {
  const padded = eights(size);
  let axis = axes;
  for (let a: u32 = 0; a < dimensions; a++) {
    for (let i: u32 = 0; i < padded; i++, axis += 4) {
      store<f32>(axis, i < size ? load<f32>(positions + ((<usize>(i * dimensions + a)) << 2)) : 0);
    }
  }
  if (size > KEPT_DISTANCES) return;
  const rowBytes = (<usize>padded) << 2;
  for (let i: u32 = 0; i < size; i++) storeDistances(i, axes, size, dimensions, 0, rowBytes, distances + i * rowBytes);
}

/** Returns the address of the distances from a point to all points of a ball that `placeBall` has prepared. */
export function distancesFrom(point: u32, axes: usize, size: u32, dimensions: u32, distances: usize): usize {
  const rowBytes = (<usize>eights(size)) << 2;
  if (size <= KEPT_DISTANCES) return distances + point * rowBytes;
  storeDistances(point, axes, size, dimensions, 0, rowBytes, distances);
  return distances;
}

/**
 * Returns the address of the distances from all points of a prepared ball to QUERIES points from `first` on, in rows
 * `rowOfDistances` bytes apart; those to points beyond the last are not to be used.
 */
export function distancesBetween(first: u32, axes: usize, size: u32, dimensions: u32, distances: usize): usize {
  const offset = (<usize>first) << 2;
  if (size <= KEPT_DISTANCES) return distances + offset;
  const rowBytes = rowOfDistances(size);
  for (let i: u32 = 0; i < size; i++) {
    storeDistances(i, axes, size, dimensions, offset, offset + rowBytes, distances + i * rowBytes);
  }
  return distances;
}

export function rowOfDistances(size: u32): usize {
  return (<usize>(size <= KEPT_DISTANCES ? eights(size) : QUERIES)) << 2;
}

/** Stores |p_point - p_j| for the points of a ball whose coordinates lie at `start` to `end` of each axis. */
function storeDistances(
  point: u32,
  axes: usize,
  size: u32,
  dimensions: u32,
  start: usize,
  end: usize,
  out: usize,
): void {
  const axisBytes = (<usize>eights(size)) << 2;
  for (let j = start; j < end; j += 16, out += 16) {
    let squares = f32x4.splat(0);
    let axis = axes;
    for (let a: u32 = 0; a < dimensions; a++, axis += axisBytes) {
      const between = f32x4.sub(v128.load_splat<f32>(axis + ((<usize>point) << 2)), v128.load(axis + j));
      squares = madd(between, between, squares);
    }
    v128.store(out, f32x4.sqrt(squares));
  }
}

/** Packs panels of eight rows each (of keys, say), times a factor, with the head's elements as inner dimension. */
export function packPoints(first: usize, rowBytes: usize, size: u32, headWidth: u32, factor: f32, panels: usize): void {
  const last = size - 1;
  let panel = panels;
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
      panel,
    );
  }
  if (factor != 1) storeScaled(panels, panels, eights(size) * headWidth, factor);
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
