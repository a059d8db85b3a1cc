// Writes named arrays: by themselves, or with points.

import { addArrays, attributesOf } from "./add-arrays.ts";
import type { SafeTensorInput } from "./bytes/elements.ts";
import { formatNamed } from "./extension.ts";
import { saveNpz } from "./numpy/npz.ts";
import { type PointCloud, writePointCloud } from "./pointcloud.ts";
import { saveSafetensors } from "./safetensors/safetensors.ts";

/** The encoders of files of named arrays, by extension. */
const arrayWriters = { ".safetensors": saveSafetensors, ".npz": saveNpz } as const;
export type ArrayFormat = keyof typeof arrayWriters;
export const arrayFormats = Object.keys(arrayWriters) as ArrayFormat[];

export function encodeArrays(
  tensors: ReadonlyMap<string, SafeTensorInput>,
  format: ArrayFormat,
): Uint8Array<ArrayBuffer> {
  return arrayWriters[format](tensors);
}

/** Whether a file or format, by its extension, holds arrays of any shapes, and not only those of points. */
export const holdsArrays = (name: string) => Object.hasOwn(arrayWriters, `.${formatNamed(name)}`);

/**
 * Writes points with arrays of them and, in a format that `holdsArrays`, of the whole: those have another number of rows.
 * @param name the file's name, whose extension chooses the format
 */
export function writeFields(
  { positions, exact, dimensionality }: Pick<PointCloud, "positions" | "exact" | "dimensionality">,
  arrays: ReadonlyMap<string, SafeTensorInput>,
  name: string,
): Uint8Array<ArrayBuffer> {
  const rows = positions.length / dimensionality;
  const ofPoints = new Map([...arrays].filter(([, { shape }]) => shape[0] === rows));
  const ofWhole = new Map([...arrays].filter(([array]) => !ofPoints.has(array)));
  const points = { positions, ...(exact && { exact }), dimensionality };
  const bytes = writePointCloud({ ...points, attributes: attributesOf(ofPoints) }, name);
  return ofWhole.size === 0 ? bytes : addArrays(bytes, ofWhole, name);
}
