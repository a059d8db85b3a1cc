// The type of point clouds that readers return and writers take, and the conversion of a file's arrays to points and attributes.

import { expectKind } from "../../arguments/kinds.ts";
import type { FormatError } from "../../errors.ts";
import { formatError } from "../bytes/bytes.ts";
import { type SafeTensor, toFloat32 } from "../bytes/elements.ts";
import { roundedNumbers } from "../rounding.ts";

/** Values attached to every point: a column of a table, a property of a PLY file's vertices, an array of VTK's point data. */
export interface Attribute {
  /** [n, channels] row-major. Readers return float32; int32 is written as integers. */
  data: Float32Array | Int32Array;
  /** Values per point, at least 1. */
  channels: number;
  /** What `PointCloud.exact` is of positions: from readers of the same formats. */
  exact?: Float64Array;
  /** The texts that integers stand for, which tables hold in their place. */
  labels?: ReadonlyMap<number, string | number>;
}

/** Names of the array of positions in files that hold several arrays. */
export const positionNames: readonly string[] = [
  "node_positions",
  "positions",
  "position",
  "pos",
  "points",
  "pointcloud",
];

/** The points of a file: one cloud. */
export interface PointCloud {
  /** [n, dimensionality] row-major. */
  positions: Float32Array;
  /**
   * The positions in float64, where a file has them so, they are far from zero for their range, as those of maps are, and float32
   * rounds them. Writers write these where they round to `positions`, and so not after these were changed.
   */
  exact?: Float64Array;
  /** 2 or 3. */
  dimensionality: number;
  /** The requested attributes by name, in the order of the request; absent if none were requested. */
  attributes?: Map<string, Attribute>;
}

/** Options of all readers of point clouds. */
export interface ReadOptions {
  /** Name used in error messages (default: the format's). */
  file?: string;
  /** Names of attributes to read besides the positions (default: none). */
  attributes?: readonly string[];
  /** The numbers of texts, by the names of the columns that hold these: of tables alone. */
  labels?: ReadonlyMap<string, ReadonlyMap<string | number, number>>;
  /** The names of columns of tables in which numbers may be missing: they are NaN where a cell is empty, or NA. */
  missing?: readonly string[];
}

/** @throws InputError for options of wrong types */
export function checkReadOptions(
  options: ReadOptions,
  format: string,
): { file: string; attributes?: readonly string[] } {
  expectKind("options", options, "an object", typeof options === "object" && options !== null);
  const { file = format, attributes } = options;
  expectKind("options.file", file, "a text", typeof file === "string");
  const areNames = Array.isArray(attributes) && Array.from(attributes).every((name) => typeof name === "string");
  expectKind("options.attributes", attributes, "a list of names", attributes === undefined || areNames);
  return { file, attributes };
}

/** Makes the error for a requested attribute that a file does not have; `found` are the attributes that it has. */
export function missingAttribute(file: string, name: string, found: readonly string[]): FormatError {
  const listed = found.slice(0, 100).map((other) => `"${other}"`);
  const more = found.length > listed.length ? ` and ${found.length - listed.length} more` : "";
  const there = listed.length > 0 ? `there are ${listed.join(", ")}${more}` : "there are none";
  return formatError(file, `has no attribute "${name}"; ${there}.`, {
    tensor: name,
    expected: name,
    found: [...found],
  });
}

/**
 * Converts an array of shape [n, 2] or [n, 3] to points.
 * @throws FormatError for any other shape.
 */
export function toPointCloud(array: SafeTensor, file: string): PointCloud {
  const dimensionality = dimensionalityOf(array, file);
  if (!(array.data instanceof Float64Array)) return { positions: toFloat32(array, file), dimensionality };
  const { data: positions, exact } = roundedNumbers(array.data, dimensionality);
  return { positions, ...(exact && { exact }), dimensionality };
}

/** Returns the second size of an array of positions, 2 or 3. @throws FormatError for an array of any other shape */
export function dimensionalityOf({ shape }: SafeTensor, file: string): number {
  const [rows, dimensionality] = shape;
  if (shape.length === 2 && (dimensionality === 2 || dimensionality === 3)) return dimensionality;
  const isTurned = shape.length === 2 && (rows === 2 || rows === 3);
  const advice = isTurned ? ": transpose it, since MATLAB and Fortran write arrays with their axes in reverse" : "";
  throw formatError(file, `expected positions of shape [points, 2] or [points, 3], found [${shape}]${advice}.`, {
    expected: ["points, 2", "points, 3"],
    found: shape,
    rows: rows ?? null,
  });
}

/**
 * Converts an array of shape [n] or [n, channels] to an attribute of n points.
 * @throws FormatError for any other shape.
 */
export function toAttribute(array: SafeTensor, points: number, file: string): Attribute {
  const [rows, channels = 1] = array.shape;
  if (array.shape.length > 2 || rows !== points || channels === 0) {
    throw formatError(file, `expected the shape [${points}] or [${points}, channels], found [${array.shape}].`, {
      expected: [`${points}`, `${points}, channels`],
      found: array.shape,
    });
  }
  return { data: toFloat32(array, file), channels };
}
