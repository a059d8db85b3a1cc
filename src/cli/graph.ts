// Builds the graph for the command line's --radius or --knn.

import { knnGraph, radiusGraph } from "../index.ts";
import type { CloudFile } from "./clouds.ts";
import type { GraphChoice } from "./options/shared.ts";
import { withProgress } from "./process/progress.ts";

/** The edges of a file's points, [2, edges]: a radius graph with self-loops and at most 32 sources a point, or a knn graph without. */
export async function buildGraph(
  { positions, dimensionality, batchIdx }: CloudFile,
  choice: NonNullable<GraphChoice>,
  threads?: number,
): Promise<Int32Array> {
  return await withProgress("graph", () =>
    "radius" in choice
      ? radiusGraph(positions, { dimensionality, batchIdx, radius: choice.radius, threads })
      : knnGraph(positions, { dimensionality, batchIdx, k: choice.k, loop: false, threads }),
  );
}
