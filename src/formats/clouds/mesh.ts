// Meshes: points, the cells between them, and arrays of either. Readers of mesh files return them, and writers take them.

import { expectKind } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import {
  isInt32Array,
  type NamedTensors,
  type SafeTensor,
  type SafeTensorInput,
  tensorEntries,
  tensorType,
} from "../bytes/elements.ts";
import { exactOf } from "../rounding.ts";
import { type Cells, expectCells, kinds } from "./cells.ts";
import { checkCloud } from "./columns.ts";
import type { Attribute, PointCloud } from "./positions.ts";

/** A mesh: points, the cells between them, and arrays of points, of cells and of the whole mesh. */
export interface Mesh {
  /** [n, 3], with the file's element type: F32 or F64 in most files. */
  points: SafeTensor;
  cells: Cells;
  /** By name: [n], or [n, components]. */
  pointData: Map<string, SafeTensor>;
  /** By name: [cells], or [cells, components]. */
  cellData: Map<string, SafeTensor>;
  /** Arrays of the whole mesh, of any shape. */
  fieldData: Map<string, SafeTensor>;
}

/** Where the values of a mesh are: at its points, or in its cells. */
export type MeshLocation = "points" | "cells";

/** Why an array of cells is not among those of points, and what takes it. */
export const OF_CELLS = "values of cells, for location: cells in a config";

/** Options of the readers of mesh files. */
export interface MeshOptions {
  /** Name used in error messages (default: the format's). */
  file?: string;
  /** Names of the arrays of points, cells and the whole mesh to read (default: all that are numeric). */
  only?: readonly string[];
}

/** A mesh to be written. Without cells, each point is a vertex. */
export interface MeshInput {
  points: SafeTensorInput;
  cells?: Cells;
  /** By name, in a Map or an object. */
  pointData?: NamedTensors;
  cellData?: NamedTensors;
  fieldData?: NamedTensors;
}

/** Returns one vertex cell for each point. */
export function vertices(points: number): Cells {
  return {
    offsets: Int32Array.from({ length: points + 1 }, (_, i) => i),
    connectivity: Int32Array.from({ length: points }, (_, i) => i),
    types: new Uint8Array(points).fill(kinds.vertex),
  };
}

/**
 * Returns points as a mesh without cells. Two-dimensional points get a z of 0.
 * @throws InputError for arrays that do not fit each other
 */
export function meshOf(cloud: PointCloud): MeshInput {
  const points = checkCloud(cloud);
  const { positions, exact, dimensionality } = cloud;
  const data = inSpace(exactOf(positions, exact), dimensionality);
  return { points: { shape: [points, 3], data }, pointData: pointDataOf(cloud.attributes) };
}

/** Returns rows of three numbers, of the same type, of which those that are missing are 0: [rows, width] -> [rows, 3]. */
export function inSpace(
  values: Float32Array | Float64Array,
  width: number,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const length = (3 * values.length) / width;
  const rows = values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  for (let i = 0; i < values.length; i++) rows[3 * Math.floor(i / width) + (i % width)] = values[i];
  return rows;
}

/** Returns the attributes of points as arrays of a mesh. */
export function pointDataOf(attributes: ReadonlyMap<string, Attribute> = new Map()): Map<string, SafeTensor> {
  return new Map(
    [...attributes].map(([name, { data, channels, labels }]) => {
      const points = data.length / channels;
      const dtype = isInt32Array(data) ? "I32" : "F32";
      return [name, { dtype, shape: channels === 1 ? [points] : [points, channels], data, ...(labels && { labels }) }];
    }),
  );
}

/** @throws InputError for arrays that do not fit each other */
export function checkMesh(mesh: MeshInput): { points: number; cells: Cells } {
  expectKind("mesh", mesh, "{ points, cells }", typeof mesh === "object" && mesh !== null);
  const { points, cells, pointData, cellData } = mesh;
  tensorType("points", points);
  const [count, dimensionality] = points.shape;
  if (points.shape.length !== 2 || dimensionality !== 3) {
    throw new InputError(`points are of shape [${points.shape}], expected [points, 3].`, { tensor: "points" });
  }
  const checked = cells ?? vertices(count);
  checkCells(checked, count);
  checkRows(pointData, count, "points");
  checkRows(cellData, checked.types.length, "cells");
  return { points: count, cells: checked };
}

function checkRows(arrays: MeshInput["pointData"], rows: number, of: string): void {
  for (const [name, array] of tensorEntries(arrays ?? {})) {
    tensorType(name, array);
    const { shape } = array;
    if (shape[0] === rows && shape.length <= 2) continue;
    throw new InputError(`array "${name}" is of shape [${shape}], there are ${rows} ${of}.`, { tensor: name });
  }
}

function checkCells(cells: Cells, points: number): void {
  expectCells(cells);
  const { offsets, connectivity, types } = cells;
  const rises = offsets.every((offset, i) => offset >= (i === 0 ? 0 : offsets[i - 1]));
  if (offsets.length !== types.length + 1 || offsets[0] !== 0 || offsets.at(-1) !== connectivity.length || !rises) {
    throw new InputError(`the offsets of ${types.length} cells must rise from 0 to ${connectivity.length}.`);
  }
  const wrong = connectivity.find((point) => !(point >= 0 && point < points));
  if (wrong !== undefined) throw new InputError(`cells have the point ${wrong}, there are ${points}.`);
}
