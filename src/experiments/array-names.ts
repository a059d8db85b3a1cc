// The usual names of arrays, in formats that do not say what an array holds.

export const positionNames: readonly string[] = [
  "node_positions",
  "positions",
  "position",
  "pos",
  "points",
  "pointcloud",
  "coordinates",
  "coords",
];
export const edgeNames: readonly string[] = ["edge_index", "edges"];
export const triangleNames: readonly string[] = ["triangles", "faces", "cells"];
