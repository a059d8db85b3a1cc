// The positions of a cloud's points on a stage, and the order in which they are drawn.

import type { BallTree } from "../../../balltree/index.ts";

/**
 * Maps points into the unit sphere, around the centre of their bounding box.
 * @param positions [points, dimensionality]
 * @returns [points, 3], with z = 0 in two dimensions
 */
export function placesOf(positions: Float32Array, dimensionality: number): Float32Array<ArrayBuffer> {
  const places = new Float32Array((positions.length / dimensionality) * 3);
  for (let d = 0; d < dimensionality; d++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = d; at < positions.length; at += dimensionality) {
      low = Math.min(low, positions[at]);
      high = Math.max(high, positions[at]);
    }
    const middle = low / 2 + high / 2;
    for (let at = d, to = d; at < positions.length; at += dimensionality, to += 3) places[to] = positions[at] - middle;
  }
  let radius = 0;
  for (let at = 0; at < places.length; at += 3) {
    radius = Math.max(radius, Math.hypot(places[at], places[at + 1], places[at + 2]));
  }
  for (let at = 0; at < places.length; at++) places[at] /= radius || 1;
  return places;
}

/** Returns the median distance between the two points of a leaf, over some of the leaves. */
export function spacingOf({ treeIdx, treeMask }: BallTree, places: Float32Array): number {
  const distances: number[] = [];
  // The step is odd, because the leaves at multiples of a power of two are those that contain one point twice.
  const step = 2 * (Math.floor(treeIdx.length / 2 / 2048) | 1);
  for (let slot = 0; slot + 1 < treeIdx.length; slot += step) {
    if (!treeMask[slot] || !treeMask[slot + 1]) continue;
    const [a, b] = [3 * treeIdx[slot], 3 * treeIdx[slot + 1]];
    distances.push(Math.hypot(places[a] - places[b], places[a + 1] - places[b + 1], places[a + 2] - places[b + 2]));
  }
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 0.02;
}

/**
 * Returns the points in an order whose every prefix is spread over the whole cloud: slots by the reversed bits of their numbers, so
 * that the first half contains one of each two neighbours in the tree, the first quarter one of each four.
 * @returns [points] indices of points
 */
export function spreadOrder({ treeIdx, treeMask, cloudOffsets }: BallTree): Int32Array<ArrayBuffer> {
  const bits = Math.max(1, Math.ceil(Math.log2(treeIdx.length)));
  const order = new Int32Array(cloudOffsets[cloudOffsets.length - 1]);
  let found = 0;
  for (let i = 0; i < 2 ** bits; i++) {
    const slot = reversedBits(i) >>> (32 - bits);
    if (slot < treeIdx.length && treeMask[slot]) order[found++] = treeIdx[slot];
  }
  return order;
}

function reversedBits(value: number): number {
  value = ((value >>> 1) & 0x55555555) | ((value & 0x55555555) << 1);
  value = ((value >>> 2) & 0x33333333) | ((value & 0x33333333) << 2);
  value = ((value >>> 4) & 0x0f0f0f0f) | ((value & 0x0f0f0f0f) << 4);
  value = ((value >>> 8) & 0x00ff00ff) | ((value & 0x00ff00ff) << 8);
  return (value >>> 16) | (value << 16);
}

/** Returns rows of three elements, such as positions, in the drawing's order. @param values [points, 3] by index */
export function inOrder(values: Float32Array, order: Int32Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(3 * order.length);
  for (let place = 0; place < order.length; place++) {
    const at = 3 * order[place];
    result[3 * place] = values[at];
    result[3 * place + 1] = values[at + 1];
    result[3 * place + 2] = values[at + 2];
  }
  return result;
}
