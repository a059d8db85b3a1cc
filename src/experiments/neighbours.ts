// Graphs between near points: a number of nearest neighbours of each point, or all within a radius.

import { knnGraph, type PointsOptions, radiusGraph } from "../balltree/index.ts";
import type { PreparedGeometry } from "../erwin/input.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import { decimal, whole } from "./options.ts";

/** The choice of neighbours: a radius if one is given, else the number of the nearest. */
export interface NeighbourChoice {
  knn: number;
  radius?: number | undefined;
}

/** The options of experiments whose graph connects near points. */
export const neighbourOptions = (knn: number) => ({
  knn: whole(knn, "edges from so many nearest points of each point"),
  radius: decimal<number | undefined>(
    undefined,
    "edges from all points nearer than this, of normalised positions, in their place",
    {
      above: true,
    },
  ),
});

/** Returns the edges of a batch, [2, M]: sources, then targets. */
function buildNeighbours(
  positions: Float32Array,
  { knn, radius }: NeighbourChoice,
  points: PointsOptions & { loop: boolean },
): Promise<Int32Array> {
  return radius === undefined
    ? knnGraph(positions, { ...points, k: knn })
    : radiusGraph(positions, { ...points, radius, maxNeighbors: Number.POSITIVE_INFINITY });
}

/** A batch of clouds, one after the other, whose graph connects near points. */
export interface NeighbourInput {
  /** [N, dimensionality] */
  positions: Float32Array;
  offsets: Int32Array;
  neighbours: NeighbourChoice;
}

/** Builds the trees and the graph of a batch for the main model of a wrapper, without touching the device. */
export async function prepareNeighbours(
  main: ErwinTransformer,
  { positions, offsets, neighbours }: NeighbourInput,
  options: { dimensionality: number; loop: boolean },
): Promise<PreparedGeometry> {
  const points = { ...options, offsets, threads: main.device.threads };
  const edgeIndex = await buildNeighbours(positions, neighbours, points);
  return main.prepareGeometry({ nodePositions: positions, offsets, edgeIndex });
}
