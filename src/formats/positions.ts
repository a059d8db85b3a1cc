// What readers of point clouds give and writers of them take, and how an array of a file becomes points or an attribute.

import { expectKind } from "../arguments.ts";
import type { FormatError } from "../errors.ts";
import { formatError } from "./bytes.ts";
import { type SafeTensor, toFloat32 } from "./elements.ts";

/** Numbers attached to every point: a column of a table, a property of a PLY file's vertices, an array of POINT_DATA. */
export interface Attribute {
  /** [n, channels] row-major. Readers give float32; int32 is written as integers. */
  data: Float32Array | Int32Array;
  /** Numbers of each point, at least 1. */
  channels: number;
}

/** The points of a file: one cloud. */
export interface PointCloud {
  /** [n, dimensionality] row-major. */
  positions: Float32Array;
  /** 2 or 3. */
  dimensionality: number;
  /** By name, in the order in which they were asked for; there only where some were. */
  attributes?: Map<string, Attribute>;
}

/** What every reader of point clouds can be told. */
export interface ReadOptions {
  /** Name used in error messages (default: the format's). */
  file?: string;
  /** Names of attributes to read besides the positions (default: none). */
  attributes?: readonly string[];
}

/** @throws InputError for options that are none */
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

/** The error for an attribute that was asked for where `found` are all there are. */
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
 * An array of shape [n, 2] or [n, 3] as points.
 * @throws FormatError for any other shape.
 */
export function toPointCloud(array: SafeTensor, file: string): PointCloud {
  const [rows, dimensionality] = array.shape;
  if (array.shape.length !== 2 || (dimensionality !== 2 && dimensionality !== 3)) {
    throw formatError(file, `expected positions of shape [points, 2] or [points, 3], found [${array.shape}].`, {
      expected: ["points, 2", "points, 3"],
      found: array.shape,
      rows: rows ?? null,
    });
  }
  return { positions: toFloat32(array, file), dimensionality };
}

/**
 * An array of shape [n] or [n, channels] as an attribute of n points.
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
