// NumPy's archive of arrays: a ZIP file that holds NAME.npy for each array NAME.

import { zipSync } from "fflate";
import { type FileBytes, formatError, toBytes } from "./bytes.ts";
import { type SafeTensor, type SafeTensorInput, tensorEntries } from "./elements.ts";
import { loadNpy, readRows, saveNpy } from "./npy.ts";
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
 * The names of an archive's arrays, without reading them. What else is in it is left out.
 * @param options.file name used in error messages (default "npz")
 * @throws FormatError for a damaged archive
 */
export function listNpz(input: FileBytes, options: { file?: string } = {}): string[] {
  return openZip(toBytes(input), options?.file ?? "npz")
    .filter(({ name }) => name.endsWith(".npy"))
    .map(({ name }) => arrayName(name));
}

/**
 * Reads only the rows `start .. end` of one array: frames of a trajectory, say. Of an array that is not compressed nothing else is
 * read, of one that is, nothing that comes after them; checksums, which are of whole arrays, are not checked.
 * @param options.file name used in error messages (default "npz")
 * @throws FormatError for a damaged archive, one without the array, or an array that is not of numbers; InputError for rows that
 * are not there
 */
export function loadNpzRows(
  input: FileBytes,
  name: string,
  start: number,
  end: number,
  options: { file?: string } = {},
): SafeTensor {
  const file = options?.file ?? "npz";
  const { part, size, entryFile } = findArray(openZip(toBytes(input), file), name, file);
  return readRows(part, size, start, end, entryFile);
}

/**
 * The entry that holds an array.
 * @returns the entry, and what messages call it
 * @throws FormatError where there is none
 */
export function findArray<Entry extends { name: string }>(
  entries: readonly Entry[],
  name: string,
  file: string,
): Entry & { entryFile: string } {
  const entry = entries.find((other) => arrayName(other.name) === name);
  if (entry) return { ...entry, entryFile: `${file}:${entry.name}` };
  const found = entries.map((other) => arrayName(other.name));
  throw formatError(file, `holds no array "${name}", but ${found.slice(0, 100).join(", ") || "none"}.`, {
    tensor: name,
    found,
  });
}

/**
 * Writes an archive as `numpy.savez` does, not compressed. The same arrays in the same order give the same bytes.
 * @throws InputError for an array whose data does not fit its shape or dtype, or that NumPy has no type for
 */
export function saveNpz(
  arrays: ReadonlyMap<string, SafeTensorInput> | Readonly<Record<string, SafeTensorInput>>,
): Uint8Array<ArrayBuffer> {
  const files = tensorEntries(arrays).map(([name, array]) => [`${name}.npy`, saveNpy(array, { name })] as const);
  return zipFiles(new Map(files));
}

function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  // The time is that of no machine: 1980 is where ZIP's times begin.
  return zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 1) });
}

/** An archive's entries as they are, unpacked: arrays, and whatever else is in it. */
export function npzEntries(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  return new Map(openZip(bytes, file).map((entry) => [entry.name, entry.read()]));
}

/** Writes entries, and arrays beside or in place of them. */
export function saveNpzEntries(
  entries: ReadonlyMap<string, Uint8Array>,
  arrays: ReadonlyMap<string, SafeTensorInput>,
): Uint8Array<ArrayBuffer> {
  const files = [...arrays].map(([name, array]) => [`${name}.npy`, saveNpy(array, { name })] as const);
  return zipFiles(new Map([...entries, ...files]));
}

const arrayName = (entry: string) => entry.replace(/\.npy$/, "");
