// HDF5 for programs that may never need it: the first call loads the library, which is a download of 1 MB. netCDF's classic files, which
// have the same extension as those that are HDF5, are read without it.

import { type FileBytes, toBytes } from "../bytes/bytes.ts";
import type { ArrayContents, NamedTensors, SafeTensor } from "../bytes/elements.ts";
import { CLASSIC, readClassicNetcdf } from "../netcdf/classic.ts";
import { blobFile, isBlob, readWhole } from "../sources/partial-file.ts";
import type { Hdf5Options } from "./hdf5.ts";

const library = () => import("./hdf5.ts");

/**
 * Reads the numeric data sets of an HDF5 file, or the variables of a classic one of netCDF. Names are paths without the first
 * slash: "position", "group/position". Each column of a table, which is a member of compounds, is an array of its own:
 * "TABLE/COLUMN", and [n, 3] for a member of three numbers. Text, compounds within others, other element types, and numbers that are
 * in other files (by links, or in a virtual data set) or compressed by a plugin other than LZF, Blosc (but for its zlib and snappy),
 * LZ4 and Zstandard are skipped, unless they are asked for by name. So is what netCDF and MATLAB add of their own (dimensions
 * without a variable, "#refs#"), and the index of PyTables' tables. A number that is missing in
 * netCDF is NaN: one that equals its data set's `_FillValue` or `missing_value`, or that nobody has written; integers with such are
 * given as F64. Packed numbers of netCDF are unpacked by their `scale_factor` and `add_offset`. Arrays that MATLAB wrote are as in
 * MATLAB, with row and column vectors as [n]. Floats of 16 bits are skipped in a file with float16 and bfloat16.
 * @param input the file's bytes, or the file itself: in a web worker only the parts that are needed are read of a Blob, which may
 *   be larger than memory; elsewhere all of it
 * @throws FormatError for a file that is damaged or truncated, and for a data set of `only` that is missing or not numeric.
 *   WorkerError if the library's module, hdf5.wasm, or that of such plugins, hdf5-filters.wasm, cannot be loaded.
 */
export async function loadHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<Map<string, SafeTensor>> {
  return (await readHdf5(input, options)).arrays;
}

/** Reads a file as `loadHdf5` does, and the numbers in attributes of the file and its groups; names what is left out. */
export async function readHdf5(input: FileBytes | Blob, options: Hdf5Options = {}): Promise<ArrayContents> {
  const { file = "hdf5" } = options;
  const begin = isBlob(input) ? await input.slice(0, CLASSIC.length).arrayBuffer() : input;
  if (new TextDecoder().decode(toBytes(begin).slice(0, CLASSIC.length)) === CLASSIC) {
    const bytes = isBlob(input) ? await readWhole(blobFile(input, file)) : input;
    return readClassicNetcdf(bytes, { ...options, file });
  }
  return (await library()).readHdf5(input, options);
}

/**
 * Writes arrays into an HDF5 file. Names are paths such as "position"; groups are not created.
 * @param options.compress compress each array (by deflate, as a single chunk)
 * @param arrays a Map or an object; elements are of the type of their array where `dtype` does not say otherwise
 * @throws InputError for an element type that is not supported (F16, BF16, BOOL) and for an array that does not fit its shape.
 *   WorkerError if the library's module, hdf5.wasm, cannot be loaded.
 */
export async function saveHdf5(
  arrays: NamedTensors,
  options: { compress?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return (await library()).saveHdf5(arrays, options);
}
