// The levels of a batch: the points in the slots, positions, ranges of clouds, pooling groups and rotated orders.

import type { Span } from "./attention.ts";
import type { ReferenceConfig } from "./config.ts";
import { gather, type Matrix, meanOfGroups } from "./matrix.ts";
import { buildCloudTree, float32Means, type Points, partition, range, rotatePositions, treeDepth } from "./tree.ts";

/** The ball-tree arrays of a whole batch, in the form of the model's API. */
export interface BatchTree {
  treeIdx: ArrayLike<number>;
  treeMask: ArrayLike<number>;
  treeIdxRot?: readonly ArrayLike<number>[];
}

export interface Level {
  /** Positions of the level's nodes. */
  positions: Matrix;
  /** The nodes of each cloud. */
  spans: Span[];
  /** The rotated order; absent if nothing is rotated. */
  rotated?: ArrayLike<number>;
  /** The nodes of consecutive pooling groups; a cloud smaller than the stride repeats its last node. Absent at the last level. */
  groups?: number[];
}

/** Builds the trees of consecutive clouds by the specification's rule. */
export function buildTrees(positions: Matrix, offsets: readonly number[]): BatchTree {
  const treeIdx: number[] = [];
  const treeMask: number[] = [];
  for (const [start, end] of pairs(offsets)) {
    const tree = buildCloudTree(slice(positions, start, end));
    for (const id of tree.index) treeIdx.push(id + start);
    for (const original of tree.mask) treeMask.push(original);
  }
  return { treeIdx, treeMask };
}

/** Returns all levels of a batch with points at `positions`; rotated orders are taken from `tree` if it has them. */
export function buildLevels(
  config: ReferenceConfig,
  positions: Matrix,
  offsets: readonly number[],
  tree: BatchTree,
): Level[] {
  const levels: Level[] = [];
  let spans = toSpans(pairs(offsets).map(([start, end]) => 2 << treeDepth(end - start)));
  let nodes = gather(positions, tree.treeIdx);
  let rotated = rotatePositions({ data: nodes.data, dimensionality: nodes.cols }, config.rotate);
  for (let l = 0; l < config.ballSizes.length; l++) {
    const level: Level = { positions: nodes, spans };
    if (config.rotate) level.rotated = tree.treeIdxRot?.[l] ?? rotatedOrder(rotated, spans, config.ballSizes[l]);
    levels.push(level);
    const stride = config.strides[l];
    if (stride === undefined) break;
    level.groups = spans.flatMap(([start, end]) => {
      const padding = (stride - ((end - start) % stride)) % stride;
      return [...range(end - start, start), ...Array<number>(padding).fill(end - 1)];
    });
    spans = toSpans(spans.map(([start, end]) => Math.ceil((end - start) / stride)));
    nodes = meanOfGroups(gather(nodes, level.groups), stride);
    rotated = float32Means(rotated, level.groups, stride);
  }
  return levels;
}

/** [0, a, a + b, ...] of a sorted batch index. */
export function offsetsOf(batchIdx: ArrayLike<number>): number[] {
  const offsets = [0];
  for (let i = 0; i < batchIdx.length; i++) offsets[batchIdx[i] + 1] = i + 1;
  return offsets;
}

function rotatedOrder(rotated: Points, spans: readonly Span[], ballSize: number): number[] {
  const D = rotated.dimensionality;
  return spans.flatMap(([start, end]) => {
    const cloud = { data: Array.prototype.slice.call(rotated.data, start * D, end * D), dimensionality: D };
    return partition(cloud, Math.min(ballSize, end - start)).map((id) => id + start);
  });
}

function toSpans(sizes: readonly number[]): Span[] {
  let end = 0;
  return sizes.map((size) => {
    end += size;
    return [end - size, end];
  });
}

function pairs(offsets: readonly number[]): Span[] {
  return offsets.slice(1).map((end, i) => [offsets[i], end]);
}

function slice(positions: Matrix, start: number, end: number): Points {
  return {
    data: positions.data.subarray(start * positions.cols, end * positions.cols),
    dimensionality: positions.cols,
  };
}
