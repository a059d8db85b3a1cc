// From a tree to what the layers need on the device. First all arrays are uploaded, then the device computes from them: so
// a forward pass is one submission.

import type { Device } from "../backends/device.ts";
import type { BallTree, TreeLevel } from "../balltree/index.ts";
import type { Grouping, LevelGeometry, NodeOrder } from "../nn/geometry.ts";
import type { Balls } from "../tensor/operators/balls.ts";
import { ballOffsets, coarsenPositions } from "../tensor/operators/geometry.ts";
import { gatherRows, type RowIndex } from "../tensor/operators/rows.ts";
import { Tensor } from "../tensor/tensor.ts";

interface UploadedLevel {
  level: TreeLevel;
  balls: Balls;
  rotatedIndex: RowIndex | undefined;
  padding: { places: RowIndex; firstPlace: RowIndex } | undefined;
}

/** A tree's arrays on the device. */
export interface UploadedTree {
  /** [slots] point in each slot. */
  treeIdx: RowIndex;
  /** [points] the slot that holds the point itself, not a duplicate. */
  slotOfPoint: RowIndex;
  levels: UploadedLevel[];
}

export function uploadTree(device: Device, tree: BallTree): UploadedTree {
  return {
    treeIdx: uploadIndex(device, tree.treeIdx),
    slotOfPoint: uploadIndex(device, slotsOfPoints(tree)),
    levels: tree.levels.map((level, l) => {
      const rotatedIndex = tree.treeIdxRot[l];
      return {
        level,
        balls: uploadBalls(device, level),
        rotatedIndex: rotatedIndex && uploadIndex(device, rotatedIndex),
        padding: l + 1 < tree.levels.length ? uploadPadding(device, level) : undefined,
      };
    }),
  };
}

const uploadIndex = (device: Device, host: Int32Array): RowIndex => ({ tensor: Tensor.from(device, host), host });

/** Positions, offsets and groupings of every level, from the points' positions [n, D]. */
export function computeGeometry({ treeIdx, levels }: UploadedTree, pointPositions: Tensor): LevelGeometry[] {
  let positions = gatherRows(pointPositions, treeIdx);
  return levels.map(({ level, balls, rotatedIndex, padding }, l) => {
    const straight: NodeOrder = { index: undefined, positions, offsets: ballOffsets(positions, balls) };
    let rotated: NodeOrder | undefined;
    if (rotatedIndex) {
      const turned = gatherRows(positions, rotatedIndex);
      rotated = { index: rotatedIndex.tensor, positions: turned, offsets: ballOffsets(turned, balls) };
    }
    let grouping: Grouping | undefined;
    if (l + 1 < levels.length) {
      const places = padding ? gatherRows(positions, padding.places) : positions;
      const { centres, offsets } = coarsenPositions(places, level.stride);
      grouping = { stride: level.stride, offsets, padding };
      positions = centres;
    }
    return { nodes: level.nodes, balls, straight, rotated, grouping };
  });
}

function slotsOfPoints({ treeIdx, treeMask, cloudOffsets }: BallTree): Int32Array {
  const slots = new Int32Array(cloudOffsets.at(-1)!);
  for (let slot = 0; slot < treeIdx.length; slot++) if (treeMask[slot]) slots[treeIdx[slot]!] = slot;
  return slots;
}

/** The balls of a level: of `ballSize` nodes, or of all a cloud has where those are fewer. Both orders share them. */
function uploadBalls(device: Device, { ballSize, offsets, nodes }: TreeLevel): Balls {
  const clouds = offsets.length - 1;
  const sizes = Array.from({ length: clouds }, (_, cloud) => Math.min(ballSize, offsets[cloud + 1]! - offsets[cloud]!));
  const count = sizes.reduce((sum, size, cloud) => sum + (offsets[cloud + 1]! - offsets[cloud]!) / size, 0);
  const host = new Uint32Array(2 * count);
  let ball = 0;
  sizes.forEach((size, cloud) => {
    for (let first = offsets[cloud]!; first < offsets[cloud + 1]!; first += size) {
      host[2 * ball] = first;
      host[2 * ball + 1] = size;
      ball++;
    }
  });
  return { tensor: Tensor.from(device, host), host, largest: Math.min(nodes, Math.max(...sizes)) };
}

/** Undefined where every cloud's nodes fill their groups. */
function uploadPadding(device: Device, { stride, offsets, nodes }: TreeLevel): UploadedLevel["padding"] {
  const clouds = offsets.length - 1;
  const full = offsets.every((first) => first % stride === 0);
  if (full) return undefined;
  const places: number[] = [];
  const firstPlace = new Int32Array(nodes);
  for (let cloud = 0; cloud < clouds; cloud++) {
    for (let node = offsets[cloud]!; node < offsets[cloud + 1]!; node++) {
      firstPlace[node] = places.length;
      places.push(node);
    }
    while (places.length % stride !== 0) places.push(offsets[cloud + 1]! - 1);
  }
  return { places: uploadIndex(device, Int32Array.from(places)), firstPlace: uploadIndex(device, firstPlace) };
}
