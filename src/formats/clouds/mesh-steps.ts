// Meshes of which a file has fields at several steps in time.

import { InputError } from "../../errors.ts";
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

/** Returns the edges that `sidesOf` finds: [2, E]; in place of these, of cells whose sides are not known, what it says of them. */
export function meshEdgeIndex(sidesOf: () => Int32Array): SafeTensor | string {
  try {
    const data = sidesOf();
    return { dtype: "I32", shape: [2, data.length / 2], data };
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

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
  const edges = meshEdgeIndex(() => (ofCells ? cellEdges : meshEdges)(cells, points.shape[0]));
  const arrays = new Map<string, SafeTensor>([["positions", ofCells ? cellCentres(points, cells) : points]]);
  const reason = ofCells ? "values of points" : OF_CELLS;
  const leftOut = new Map(Array.from((ofCells ? pointData : cellData).keys(), (name) => [name, reason]));
  if (typeof edges === "string") leftOut.set("edge_index", edges);
  else if (edges.data.length > 0) arrays.set("edge_index", edges);
  if (times.length > 0) arrays.set("time", { dtype: "F64", shape: [times.length], data: times });
  for (const [name, array] of [...fieldData, ...(ofCells ? cellData : pointData)])
    if (!arrays.has(name)) arrays.set(name, array);
  return { arrays, leftOut };
}
