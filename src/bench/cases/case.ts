// The benchmarks' input, for the library and for its peers: seeded points, uniform in the unit cube, with normal features.

import type { ErwinConfig } from "../../erwin/config.ts";
import type { MemoryQuestion } from "../../erwin/memory.ts";
// This is not imported from the library's index, which needs a bundler: Deno loads this file as it is, too.
import { Random } from "../../random.ts";

/** The graph's options: each point's 16 nearest neighbours, the point itself included. */
export const caseGraph = { k: 16, loop: true } as const;

/** The sizes of the published table: the number of clouds, and the points of each cloud. */
export const publishedTable = { clouds: 16, points: [1024, 2048, 4096, 8192, 16384, 32768] } as const;

export interface CaseClouds {
  /** [clouds * points, cIn] */
  nodeFeatures: Float32Array;
  /** [clouds * points, dimensionality] */
  nodePositions: Float32Array;
  /** [clouds + 1] */
  offsets: Int32Array;
}

/** Where each of `clouds` clouds of `points` points begins: [clouds + 1]. */
export const caseOffsets = (clouds: number, points: number): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: clouds + 1 }, (_, cloud) => cloud * points);

/** The batch without its data, as `estimateMemory` takes it. */
export const caseSize = (clouds: number, points: number): MemoryQuestion => ({
  offsets: caseOffsets(clouds, points),
  edges: caseGraph.k * clouds * points,
});

/** Makes `clouds` clouds of `points` points each; the input depends on these two alone and is the same on every platform. */
export function caseClouds(
  { cIn, dimensionality }: Pick<ErwinConfig, "cIn" | "dimensionality">,
  clouds: number,
  points: number,
): CaseClouds {
  const random = new Random(points);
  const total = points * clouds;
  const nodePositions = Float32Array.from({ length: total * dimensionality }, () => random.uniform());
  const nodeFeatures = Float32Array.from({ length: total * cIn }, () => random.normal());
  return { nodeFeatures, nodePositions, offsets: caseOffsets(clouds, points) };
}
