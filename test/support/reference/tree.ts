// Ball trees and rotated partitions by the rule of src/SPECIFICATION.md, in the simplest way: every part is sorted by (coordinate, index).

/** Row-major coordinates of one cloud or level. */
export interface Points {
  data: ArrayLike<number>;
  dimensionality: number;
}

/** The tree of one cloud: a point of the cloud for each slot, and 1 for originals, 0 for duplicates. */
export interface CloudTree {
  index: Int32Array;
  mask: Uint8Array;
}

/** The number of levels above the leaves of a cloud of n points: max(0, ceil(log2 n) - 1). */
export function treeDepth(n: number): number {
  return Math.max(0, 31 - Math.clz32(n - 1));
}

export function buildCloudTree(points: Points): CloudTree {
  const n = points.data.length / points.dimensionality;
  const depth = treeDepth(n);
  const index = new Int32Array(2 << depth);
  const mask = new Uint8Array(2 << depth);
  let slot = 0;
  const build = (ids: number[], level: number): void => {
    if (level < depth) {
      for (const half of halves(points, ids)) build(half, level + 1);
      return;
    }
    const [first, second] = inLeafOrder(points, ids);
    index.set([first, second], slot);
    mask.set([1, first === second ? 0 : 1], slot);
    slot += 2;
  };
  build(range(n), 0);
  return { index, mask };
}

/** Splits until every part has at most `size` points; returns the concatenated members of the parts. */
export function partition(points: Points, size: number): number[] {
  const split = (ids: number[]): number[] => (ids.length <= size ? ids : halves(points, ids).flatMap(split));
  return split(range(points.data.length / points.dimensionality));
}

/** Row vectors times the rotation matrix, rounded to float32 as tree positions are. */
export function rotatePositions(points: Points, degrees: number): Points {
  const D = points.dimensionality;
  const angle = (degrees * Math.PI) / 180;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const R =
    D === 2
      ? [c, -s, s, c]
      : [c * c, s * c * (s - 1), s * (s + c * c), s * c, s * s * s + c * c, s * c * (s - 1), -s, s * c, c * c];
  const data = new Float32Array(points.data.length);
  for (let i = 0; i < data.length; i += D) {
    for (let b = 0; b < D; b++) {
      let sum = 0;
      for (let a = 0; a < D; a++) sum += points.data[i + a] * R[a * D + b];
      data[i + b] = sum;
    }
  }
  return { data, dimensionality: D };
}

/** Means of groups of rows in float32, as tree positions are. */
export function float32Means(points: Points, groups: readonly number[], size: number): Points {
  const D = points.dimensionality;
  const data = new Float32Array((groups.length / size) * D);
  for (let g = 0; g < groups.length; g++) {
    const target = Math.floor(g / size) * D;
    for (let a = 0; a < D; a++) data[target + a] += coordinate(points, groups[g], a);
  }
  for (let i = 0; i < data.length; i++) data[i] = data[i] / size;
  return { data, dimensionality: D };
}

export function range(count: number, start = 0): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}

function coordinate(points: Points, id: number, axis: number): number {
  return points.data[id * points.dimensionality + axis];
}

function halves(points: Points, ids: readonly number[]): [number[], number[]] {
  const axis = widestAxis(points, ids);
  const sorted = [...ids].sort((a, b) => coordinate(points, a, axis) - coordinate(points, b, axis) || a - b);
  const middle = Math.floor(sorted.length / 2);
  return [sorted.slice(0, middle), sorted.slice(middle)];
}

/** The axis with the largest max - min, the first of equal ones. */
function widestAxis(points: Points, ids: readonly number[]): number {
  let best = 0;
  let widest = -1;
  for (let axis = 0; axis < points.dimensionality; axis++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const id of ids) {
      low = Math.min(low, coordinate(points, id, axis));
      high = Math.max(high, coordinate(points, id, axis));
    }
    if (high - low > widest) {
      widest = high - low;
      best = axis;
    }
  }
  return best;
}

/** A leaf's two slots: one point twice, or two points in the order of another split. */
function inLeafOrder(points: Points, ids: readonly number[]): [number, number] {
  if (ids.length === 1) return [ids[0], ids[0]];
  const [[first], [second]] = halves(points, ids) as [[number], [number]];
  return [first, second];
}
