// Adds arrays of points, or of the cells of a mesh, to an existing file, whatever its format; everything else in the file stays as it is.

import { InputError } from "../errors.ts";
import { type FileBytes, formatError, toBytes } from "./bytes/bytes.ts";
import { isInt32Array, type SafeTensorInput, tensorType, toFloat32 } from "./bytes/elements.ts";
import { addCsvColumns } from "./clouds/csv-add.ts";
import { addPlyProperties } from "./clouds/ply-add.ts";
import type { Attribute } from "./clouds/positions.ts";
import { extensionOf } from "./extension.ts";
import { npzEntries, saveNpzEntries } from "./numpy/npz.ts";
import { loadSafetensors, saveSafetensors } from "./safetensors/safetensors.ts";
import { addVtkData } from "./vtk/add.ts";
import { addToMesh, type FileChanges } from "./vtk/vtu-write.ts";

type Arrays = ReadonlyMap<string, SafeTensorInput>;
type Adder = (bytes: Uint8Array, arrays: Arrays, file: string, changes: FileChanges) => Uint8Array<ArrayBuffer>;

const addToXml: Adder = (bytes, arrays, file, changes) => addToMesh(bytes, arrays, { ...changes, file });

const adders: Readonly<Record<string, Adder>> = {
  vtu: addToXml,
  vtp: addToXml,
  vti: addToXml,
  vtr: addToXml,
  vts: addToXml,
  vtk: (bytes, arrays, file, { location }) => addVtkData(bytes, attributesOf(arrays), file, location),
  ply: (bytes, arrays, file) => addPlyProperties(bytes, attributesOf(arrays), file),
  csv: (bytes, arrays, file) => addCsvColumns(bytes, attributesOf(arrays), file),
  npz: (bytes, arrays, file, { without = [] }) => {
    const entries = npzEntries(bytes, file);
    for (const name of without) entries.delete(`${name}.npy`);
    return saveNpzEntries(entries, arrays);
  },
  safetensors: (bytes, arrays, file, { without = [] }) => {
    const { tensors, metadata } = loadSafetensors(bytes, { file });
    const kept = [...tensors].filter(([name]) => !without.includes(name));
    return saveSafetensors(new Map<string, SafeTensorInput>([...kept, ...arrays]), metadata);
  },
};

/** The extensions of files that `addArrays` knows, without dots. */
export const addableExtensions: readonly string[] = Object.keys(adders);

/**
 * Returns the bytes of a file with additional arrays of its points, or of the cells of a mesh. In VTK's XML files, .npz and .safetensors, an array of the same name
 * is replaced.
 * @param arrays by name, each of shape [n] or [n, components]
 * @param name the file's name: its extension chooses the format, and error messages begin with it
 * @param changes what is left out of VTK's XML files, .npz and .safetensors, and the points' places in VTK's XML files; others keep all.
 *   Its `location` says whose the arrays are in VTK's files; files of other formats have points alone
 * @throws FormatError for a file that is damaged or of another format; InputError for arrays that do not fit the file's points, or
 *   whose names it already has
 */
export function addArrays(
  input: FileBytes,
  arrays: Arrays,
  name: string,
  changes: FileChanges = {},
): Uint8Array<ArrayBuffer> {
  const extension = extensionOf(name);
  if (Object.hasOwn(adders, extension)) return adders[extension](toBytes(input), arrays, name, changes);
  throw formatError(name, `arrays cannot be added to this format; supported are ${addableExtensions.join(", ")}.`, {
    expected: [...addableExtensions],
    found: extension,
  });
}

/** Converts arrays to the two element types that the simpler formats have: int32 for integers, else float32, with what that rounds. */
export function attributesOf(arrays: Arrays): Map<string, Attribute> {
  return new Map(
    [...arrays].map(([name, array]): [string, Attribute] => {
      const dtype = tensorType(name, array);
      const [, channels = 1, ...rest] = array.shape;
      if (array.shape.length === 0 || rest.length > 0) {
        throw new InputError(`array "${name}" is of shape [${array.shape}], expected [n] or [n, components].`, {
          tensor: name,
        });
      }
      const { data, labels } = array;
      if (isInt32Array(data)) return [name, { data, channels, ...(labels && { labels }) }];
      const numbers = toFloat32({ dtype, shape: [...array.shape], data }, name);
      const isHalf = dtype === "F16" || dtype === "BF16";
      const isExact = isHalf || numbers.every((value, i) => value === Number(data[i]) || Number.isNaN(value));
      return [
        name,
        { data: numbers, channels, ...(!isExact && { exact: Float64Array.from(data as Float64Array, Number) }) },
      ];
    }),
  );
}
