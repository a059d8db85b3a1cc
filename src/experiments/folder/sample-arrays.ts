// A sample's file as named arrays: which are of the points and which of the whole, and the edges that the cells between the points give.

import { FormatError } from "../../errors.ts";
import { type SafeTensor, toInt32 } from "../../formats/bytes/elements.ts";
import { cellEdges } from "../../formats/clouds/cell-edges.ts";
import { type Cells, equalCells, kinds, meshEdges } from "../../formats/clouds/cells.ts";
import { edgeLayout, edgeNames, triangleNames } from "../array-names.ts";
import { namingFile } from "../arrays.ts";
import { cellsOfGrid, type Grid } from "./grid.ts";
import type { TextColumn } from "./label-arrays.ts";

/** The contents of a file, or the part of them that was requested. */
export interface SampleArrays {
  /** The file's name in error messages. */
  readonly file: string;
  /** [n, 2] or [n, 3]; undefined if the file's format does not define which of its arrays they are. */
  readonly points?: SafeTensor;
  /** The points between which the cells are, where the sample's points are these cells' centres. */
  readonly corners?: SafeTensor;
  /** The names of the columns, or properties, that the points are, in formats without an array for them. */
  readonly axes?: readonly string[];
  /** The cells, in formats of meshes. */
  readonly cells?: Cells;
  /** The grid whose axes those of the points are, if its arrays do not list them. */
  readonly grid?: Grid;
  /** Arrays by name: [n] or [n, components] if there are `points`; any arrays otherwise. */
  readonly pointData: ReadonlyMap<string, SafeTensor>;
  /** Arrays of the whole by name. */
  readonly wholeData: ReadonlyMap<string, SafeTensor>;
  /** All arrays but attributes, that of the points among them, in formats that leave to their names which that is. */
  readonly all?: ReadonlyMap<string, SafeTensor>;
  /** The names of the arrays that a mesh has elsewhere: of its cells, or where values of cells are wanted, of its points. */
  readonly elsewhere: readonly string[];
  /** The names of all arrays in the file, whether requested or not. */
  readonly names: readonly string[];
  /** Why there are no values of a table beside the samples, if the config has one. */
  readonly noRow?: string;
  /** Why each array that cannot be read is left out, where all were to be read: its type, or what is wrong with it. */
  readonly leftOut?: ReadonlyMap<string, string>;
  /** The arrays of texts, such as a table's columns that hold no numbers, where all arrays were to be read. */
  readonly texts?: ReadonlyMap<string, TextColumn>;
}

/** Finds the columns that are the components of a vector: velocity_0 and so on, or velocity:0 as ParaView writes them. */
export function componentsOf(name: string, names: readonly string[]): string[] {
  for (const separator of ["_", ":"]) {
    const found: string[] = [];
    while (names.includes(`${name}${separator}${found.length}`)) found.push(`${name}${separator}${found.length}`);
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * Returns the arrays of a file with other points than those found by name, if any. If its format leaves to names which arrays are of
 * the points, they are divided anew by whether they have a row for each point.
 */
export function withPoints(arrays: SampleArrays, points: SafeTensor): SampleArrays {
  const { all, cells } = arrays;
  if (!all) return { ...arrays, points };
  const isOfPoints = ({ shape }: SafeTensor) => shape[0] === points.shape[0];
  const part = (ofPoints: boolean) =>
    [...all].filter(([, array]) => array !== points && isOfPoints(array) === ofPoints);
  const attributes = [...arrays.wholeData].filter(([name, array]) => all.get(name) !== array);
  return {
    ...arrays,
    points,
    cells: arrays.points && isOfPoints(arrays.points) ? cells : undefined,
    pointData: new Map(part(true)),
    wholeData: new Map([...attributes, ...part(false)]),
  };
}

/** Returns arrays with the cells that those of the usual names list, unless the file's format or grid defines them. */
export function withCells(arrays: SampleArrays, points: number): SampleArrays {
  const { cells, grid, pointData, wholeData, file } = arrays;
  if (grid) return { ...arrays, cells: cellsOfGrid(grid, file) };
  return { ...arrays, cells: cells ?? linesOf(new Map([...wholeData, ...pointData]), points, file) };
}

function linesOf(arrays: ReadonlyMap<string, SafeTensor>, points: number, file: string): Cells | undefined {
  const shapeOf = (name: string) => arrays.get(name)?.shape ?? [];
  const indices = (name: string) => indicesOf(arrays.get(name) as SafeTensor, points, `${file}:${name}`);
  for (const name of edgeNames) {
    const layout = edgeLayout(name, shapeOf(name));
    if (layout) return equalCells(layout === "rows" ? indices(name) : transpose(indices(name)), 2, kinds.line);
  }
  const triangles = triangleNames.find((name) => shapeOf(name).length === 2 && shapeOf(name)[1] === 3);
  return triangles === undefined ? undefined : equalCells(indices(triangles), 3, kinds.triangle);
}

/** Returns an array's indices of points. @throws FormatError for what is none */
export function indicesOf(array: SafeTensor, points: number, name: string): Int32Array {
  let indices: Int32Array;
  try {
    indices = toInt32(array, name);
  } catch (cause) {
    throw new FormatError((cause as Error).message, { file: name }, { cause });
  }
  const wrong = indices.findIndex((point) => point < 0 || point >= points);
  if (wrong < 0) return indices;
  const problem = `element ${wrong} is the point ${indices[wrong]}, there are ${points}.`;
  throw new FormatError(`${name}: ${problem}`, { file: name, row: wrong, found: indices[wrong] });
}

/** [2, M] -> [M, 2] */
function transpose(edges: Int32Array): Int32Array {
  const count = edges.length / 2;
  return Int32Array.from({ length: edges.length }, (_, i) => edges[(i % 2) * count + (i >> 1)]);
}

/**
 * Returns edges along the sides of a sample's cells, or if its points are cells between those that share a side, in both directions:
 * [2 E] sources, then targets.
 * @throws FormatError if it has no cells
 */
export function edgesOf({ cells, corners, file }: SampleArrays, points: number): Int32Array {
  const edges =
    cells && namingFile(file, () => (corners ? cellEdges(cells, corners.shape[0]) : meshEdges(cells, points)));
  if (edges && edges.length > 0) return edges;
  const what = corners ? "no cells that share a side" : "no cells with sides";
  const problem = `has ${what} for the graph of the mesh; expected some, or graph: knn in the config.`;
  throw new FormatError(`${file}: ${problem}`, { file });
}
