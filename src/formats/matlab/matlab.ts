// MATLAB's files. Those of version 7.3 are HDF5 files, older ones of level 5 or 4.

import { type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import type { ArrayContents, SafeTensor } from "../bytes/elements.ts";
import { readHdf5 } from "../hdf5/lazy.ts";
import { isMatlab4, readMatlab4 } from "./matlab4.ts";
import { isMatlab5, readMatlab5 } from "./matlab5.ts";

/**
 * Reads the numeric arrays of a MATLAB file (.mat), as MATLAB (versions 4 to 7.3), Octave and SciPy write them. They are as in MATLAB,
 * with row and column vectors as [n]; those of a structure are named "structure/field". Logical values are U8. Text, cells,
 * objects, lists of structures, sparse matrices, complex numbers and empty arrays are skipped.
 * @param options.file name used in error messages (default "mat")
 * @throws FormatError for a damaged file, and for one of Octave's own formats. WorkerError if the file is HDF5 (-v7.3) and the
 *   library's module, hdf5.wasm, cannot be loaded.
 */
export async function loadMatlab(input: FileBytes, options: { file?: string } = {}): Promise<Map<string, SafeTensor>> {
  return (await readMatlab(input, options)).arrays;
}

/** Reads a file as `loadMatlab` does, and names what is left out. */
export async function readMatlab(input: FileBytes, options: { file?: string } = {}): Promise<ArrayContents> {
  const file = options?.file ?? "mat";
  const bytes = toBytes(input);
  if (isMatlab5(bytes)) return readMatlab5(bytes, file);
  if (isMatlab4(bytes)) return readMatlab4(bytes, file);
  if (isOctaves(bytes)) throw ofOctave(file);
  const contents = await readHdf5(bytes, { file });
  // Octave's -hdf5 makes a group of each variable, with its type as a text (MATLAB's are numbers), and its axes are in reverse.
  const { arrays, leftOut } = contents;
  if (
    [...arrays.keys()].some((name) => name.endsWith("/value") && leftOut.get(name.replace(/value$/, "type")) === "text")
  ) {
    throw ofOctave(file);
  }
  return contents;
}

const ofOctave = (file: string) =>
  formatError(file, "is a file in a format of Octave's own: save it by save('-v7', FILE, ...).", { offset: 0 });

/** Whether a file begins as Octave's text and binary files do; it writes text unless it is told otherwise. */
function isOctaves(bytes: Uint8Array): boolean {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 32));
  return head.startsWith("# Created by Octave") || head.startsWith("Octave-1-");
}
