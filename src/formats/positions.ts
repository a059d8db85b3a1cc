// The result every reader of point clouds gives, and how an array of a file becomes one.

import { formatError } from "./bytes.ts";
import { type SafeTensor, toFloat32 } from "./elements.ts";

/** Points without features or batch index: one cloud. */
export interface PointCloud {
  /** [n, dimensionality] row-major. */
  positions: Float32Array;
  /** 2 or 3. */
  dimensionality: number;
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
