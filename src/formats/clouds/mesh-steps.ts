// Meshes of which a file has fields at several steps in time.

import type { ArrayContents, SafeTensor } from "../bytes/elements.ts";
import { cellCentres } from "./cell-centres.ts";
import { cellEdges } from "./cell-edges.ts";
import { meshEdges } from "./cells.ts";
import { type Mesh, type MeshLocation, OF_CELLS } from "./mesh.ts";

/** A mesh whose arrays of points and cells may have a row for each step: [steps, n] or [steps, n, components]. */
export interface MeshInTime extends Mesh {
  /** The time of each step. */
  times: Float64Array;
}

/**
 * Whether an array has a row for each step, and not for each point or cell, of which there may be as many.
 * @param rows the number of points, or cells
 */
export const hasSteps = ({ shape }: SafeTensor, rows: number, { times }: Pick<MeshInTime, "times">): boolean =>
  shape.length > 1 && (times.length > 1 || shape[0] !== rows);

/**
 * Returns a mesh as arrays by usual names: `positions`, `edge_index` of the sides of its cells, `time`, and the fields.
 * @param location whose fields: those of points, or of cells, whose centres are then the positions, and whose edges join cells that
 *   share a side
 */
export function arraysOfMesh(
  { points, cells, pointData, cellData, fieldData, times }: MeshInTime,
  location: MeshLocation = "points",
): ArrayContents {
  const ofCells = location === "cells";
  const edges = ofCells ? cellEdges(cells, points.shape[0]) : meshEdges(cells, points.shape[0]);
  const arrays = new Map<string, SafeTensor>([["positions", ofCells ? cellCentres(points, cells) : points]]);
  if (edges.length > 0) arrays.set("edge_index", { dtype: "I32", shape: [2, edges.length / 2], data: edges });
  if (times.length > 0) arrays.set("time", { dtype: "F64", shape: [times.length], data: times });
  const [own, others] = ofCells ? [cellData, pointData] : [pointData, cellData];
  for (const [name, array] of [...fieldData, ...own]) if (!arrays.has(name)) arrays.set(name, array);
  const reason = ofCells ? "values of points" : OF_CELLS;
  return { arrays, leftOut: new Map([...others.keys()].map((name) => [name, reason])) };
}
