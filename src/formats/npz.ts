// NumPy's archive of arrays: a ZIP file that holds NAME.npy for each array NAME.

import { zipSync } from "fflate";
import { type FileBytes, toBytes } from "./bytes.ts";
import { type SafeTensor, type SafeTensorInput, tensorEntries } from "./elements.ts";
import { loadNpy, saveNpy } from "./npy.ts";
import { openZip } from "./zip.ts";

/**
 * Reads all arrays of an archive, compressed or not.
 * @param options.file name used in error messages (default "npz")
 * @param options.only read just these arrays: an archive may hold far more than is asked for
 * @throws FormatError for a damaged archive, or an entry that is no array of numbers.
 */
export function loadNpz(
  input: FileBytes,
  options: { file?: string; only?: readonly string[] } = {},
): Map<string, SafeTensor> {
  const file = options?.file ?? "npz";
  const arrays = new Map<string, SafeTensor>();
  for (const entry of openZip(toBytes(input), file)) {
    const name = arrayName(entry.name);
    if (options?.only && !options.only.includes(name)) continue;
    arrays.set(name, loadNpy(entry.read(), { file: `${file}:${entry.name}` }));
  }
  return arrays;
}

/**
 * The names of an archive's arrays, without reading them.
 * @param options.file name used in error messages (default "npz")
 * @throws FormatError for a damaged archive
 */
export function listNpz(input: FileBytes, options: { file?: string } = {}): string[] {
  return openZip(toBytes(input), options?.file ?? "npz").map((entry) => arrayName(entry.name));
}

/**
 * Writes an archive as `numpy.savez` does, not compressed. The same arrays in the same order give the same bytes.
 * @throws InputError for an array whose data does not fit its shape or dtype, or that NumPy has no type for
 */
export function saveNpz(
  arrays: ReadonlyMap<string, SafeTensorInput> | Readonly<Record<string, SafeTensorInput>>,
): Uint8Array<ArrayBuffer> {
  const files = tensorEntries(arrays).map(([name, array]) => [`${name}.npy`, saveNpy(array, { name })] as const);
  // The time is that of no machine: 1980 is where ZIP's times begin.
  return zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 1) });
}

const arrayName = (entry: string) => entry.replace(/\.npy$/, "");
