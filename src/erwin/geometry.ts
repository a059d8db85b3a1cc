// Converts a tree into what the layers need on the device. All arrays are uploaded first, then the device computes from
// them, so that a forward pass is one submission. What the host computes for this is a part of the prepared input: it is computed
// once, and may come from another thread.

import type { Device } from "../backends/device.ts";
import { type BallTree, ballsOf, slotOfEachPoint, type TreeLevel } from "../balltree/index.ts";
import type { Grouping, LevelGeometry } from "../nn/geometry.ts";
import type { Balls } from "../tensor/operators/balls.ts";
import { type NodeSource, placeLevel } from "../tensor/operators/geometry.ts";
import { byValue, gatherRows, type Places, type RowIndex, unsigned, uploadPlaces } from "../tensor/operators/rows.ts";
import { Tensor } from "../tensor/tensor.ts";
import { kept } from "./kept.ts";

/** The rows to gather, and the number of rows to gather from. */
interface RowTable {
  index: Int32Array;
  sources: number;
  /** For backward passes; computed when it is first needed. */
  places?: Places;
}

interface LevelTables {
  balls: Pick<Balls, "host" | "largest">;
  padding: { places: RowTable; firstPlace: RowTable } | undefined;
}

/** The tree's tables for an upload, as plain data. */
export interface TreeTables {
  treeIdx: RowTable;
  slotOfPoint: RowTable;
  levels: LevelTables[];
}

/** A tree's arrays on the device. */
export interface UploadedTree {
  /** [slots] The point in each slot. */
  treeIdx: RowIndex;
  /** [points] The slot that holds the point itself, not a duplicate. */
  slotOfPoint: RowIndex;
  levels: UploadedLevel[];
  /** All gathered rows that a backward pass may go through. */
  gathered: { rows: RowIndex; table: RowTable }[];
}

interface UploadedLevel {
  level: TreeLevel;
  balls: Balls;
  rotatedIndex: RowIndex | undefined;
  padding: Grouping["padding"];
}

/** Computes in advance what only backward passes need. */
export function addPlaces({ treeIdx, slotOfPoint, levels }: TreeTables): void {
  for (const table of [treeIdx, slotOfPoint]) placesOf(table);
  for (const { padding } of levels) if (padding) for (const table of Object.values(padding)) placesOf(table);
}

export function uploadTree(device: Device, tree: BallTree, tables: TreeTables): UploadedTree {
  const gathered: UploadedTree["gathered"] = [];
  const upload = (table: RowTable) => {
    const rows: RowIndex = { tensor: Tensor.from(device, table.index), host: table.index };
    gathered.push({ rows, table });
    return rows;
  };
  return {
    treeIdx: upload(tables.treeIdx),
    slotOfPoint: upload(tables.slotOfPoint),
    levels: tables.levels.map(({ balls, padding }, l) => {
      const rotated = tree.treeIdxRot[l];
      return {
        level: tree.levels[l],
        balls: { ...balls, tensor: Tensor.from(device, balls.host) },
        rotatedIndex: rotated && { tensor: Tensor.from(device, rotated), host: rotated },
        padding: padding && { places: upload(padding.places), firstPlace: upload(padding.firstPlace) },
      };
    }),
    gathered,
  };
}

/** Uploads what backward passes need in addition. */
export function uploadInverses(device: Device, { gathered }: UploadedTree): void {
  for (const { rows, table } of gathered) rows.inverse = uploadPlaces(device, placesOf(table));
}

/** Computes positions, offsets and groupings of every level from the points' positions [n, D]. */
export function computeGeometry({ treeIdx, levels }: UploadedTree, pointPositions: Tensor): LevelGeometry[] {
  const placed: ReturnType<typeof placeLevel>[] = [];
  levels.forEach(({ balls, rotatedIndex }, l) => {
    const [source, from] =
      l === 0 ? [pointPositions, { index: treeIdx.tensor }] : groupsOf(levels[l - 1], placed[l - 1]);
    placed.push(placeLevel(source, from, balls, rotatedIndex?.tensor));
  });
  return levels.map(({ level, balls, rotatedIndex, padding }, l) => {
    const { straight, rotated } = placed[l];
    const offsets = placed[l + 1]?.fromMeans;
    return {
      nodes: level.nodes,
      balls,
      straight: { index: undefined, ...straight },
      rotated: rotated && { index: rotatedIndex?.tensor, ...rotated },
      grouping: offsets && { stride: level.stride, offsets, padding },
    };
  });
}

/** What the next level's nodes are: the means of the level's own, of which the last of a cloud may be repeated. */
function groupsOf(
  { level, padding }: UploadedLevel,
  { straight }: ReturnType<typeof placeLevel>,
): [Tensor, NodeSource] {
  const { positions } = straight;
  return [padding ? gatherRows(positions, padding.places) : positions, { stride: level.stride }];
}

export function makeTreeTables(tree: BallTree): TreeTables {
  const { treeIdx, levels } = tree;
  return {
    treeIdx: { index: treeIdx, sources: tree.cloudOffsets.at(-1)! },
    slotOfPoint: { index: slotOfEachPoint(tree), sources: treeIdx.length },
    levels: levels.map((level, l) => ({
      balls: tableOfBalls(level),
      padding: l + 1 < levels.length ? paddingOf(level) : undefined,
    })),
  };
}

const placesOf = (table: RowTable): Places =>
  kept(table, "places", () => byValue(unsigned(table.index), table.sources));

function tableOfBalls(level: TreeLevel): LevelTables["balls"] {
  const host = ballsOf(level);
  let largest = 0;
  for (let at = 1; at < host.length; at += 2) largest = Math.max(largest, host[at]);
  return { host, largest };
}

/** Returns undefined if every cloud's nodes fill their groups. */
function paddingOf({ stride, offsets, nodes }: TreeLevel): LevelTables["padding"] {
  const clouds = offsets.length - 1;
  const full = offsets.every((first) => first % stride === 0);
  if (full) return undefined;
  const places: number[] = [];
  const firstPlace = new Int32Array(nodes);
  for (let cloud = 0; cloud < clouds; cloud++) {
    for (let node = offsets[cloud]; node < offsets[cloud + 1]; node++) {
      firstPlace[node] = places.length;
      places.push(node);
    }
    while (places.length % stride !== 0) places.push(offsets[cloud + 1] - 1);
  }
  return {
    places: { index: Int32Array.from(places), sources: nodes },
    firstPlace: { index: firstPlace, sources: places.length },
  };
}
