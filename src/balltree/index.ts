// Ball trees and neighbour graphs: the exports of this folder for the rest of the library.
export { ballOfEachNode, ballOfEachPoint, ballsOf, nodeOfEachSlot, slotOfEachPoint } from "./balls.ts";
export { type KnnGraphOptions, knnGraph, type RadiusGraphOptions, radiusGraph } from "./graph.ts";
export { shapeOfLevels, type TreeLevel, treeLevels, treeSlots } from "./levels.ts";
export { type CloudDivision, cloudOfEach, cloudOffsets } from "./offsets.ts";
export type { PointsOptions } from "./points.ts";
export { buildInPlace, disposeThreads } from "./pool.ts";
export { type BallTree, type BallTreeOptions, buildBallTree } from "./tree.ts";
