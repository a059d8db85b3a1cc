// NumPy's archive of arrays: a ZIP file that holds NAME.npy for each array NAME.

import { zipSync } from "fflate";
import { InputError } from "../../errors.ts";
import { type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import {
  type ArrayContents,
  type NamedTensors,
  type SafeTensor,
  type SafeTensorInput,
  tensorEntries,
} from "../bytes/elements.ts";
import type { TextArray } from "../bytes/text-arrays.ts";
import { openZip } from "../compression/zip.ts";
import {
  headerOf,
  listNpy,
  loadNpyField,
  loadNpyTexts,
  type NpyArray,
  readRows,
  saveNpy,
  saveNpyTexts,
} from "./npy.ts";

/** The bytes that the entries of an archive may have: its offsets are of 32 bits, and there are headers, too. */
const MAX_ZIP = 2 ** 32 - 2 ** 20;

/**
 * Reads the arrays of an archive, compressed or not. Each field of an array of structures (a table, that is) is an array of its own,
 * "NAME/FIELD", and [n, 3] for a field of three numbers. Text, objects and other arrays that are not numeric are skipped, as in HDF5
 * files, unless they are asked for by name.
 * @param options.file name used in error messages (default "npz")
 * @param options.only names of the arrays to read (default: all that are numeric)
 * @throws FormatError for a damaged archive, and for an array of `only` that is not numeric
 */
export function loadNpz(
  input: FileBytes,
  options: { file?: string; only?: readonly string[] } = {},
): Map<string, SafeTensor> {
  return readNpz(input, options).arrays;
}

/**
 * Reads an archive as `loadNpz` does.
 * @param options.texts which arrays are read as well, by their names, if they are of texts
 * @returns the arrays, and for each array that is left out its elements' type, such as "<U6"
 */
export function readNpz(
  input: FileBytes,
  options: { file?: string; only?: readonly string[]; texts?: (name: string) => boolean } = {},
): ArrayContents {
  const file = options?.file ?? "npz";
  const arrays = new Map<string, SafeTensor>();
  const texts = new Map<string, TextArray>();
  const leftOut = new Map<string, string>();
  const { only } = options ?? {};
  for (const entry of openZip(toBytes(input), file)) {
    const name = arrayName(entry.name);
    if (only && !only.some((wanted) => isIn(name, wanted))) continue;
    const entryFile = `${file}:${entry.name}`;
    const bytes = entry.read();
    // A structure cannot be read by its own name: the error says how its fields are.
    const found: NpyArray[] = only?.includes(name) ? [{ name }] : listNpy(bytes, name, entryFile);
    for (const { name: array, field, foreign } of found) {
      if (only && !only.includes(array)) continue;
      if (arrays.has(array) || leftOut.has(array))
        throw formatError(file, `holds "${array}" twice.`, { tensor: array });
      const read = options.texts?.(array) ? loadNpyTexts(bytes, field, entryFile) : undefined;
      if (read) texts.set(array, read);
      if (read && only) continue;
      if (foreign === undefined || only) arrays.set(array, loadNpyField(bytes, field, entryFile));
      else leftOut.set(array, foreign);
    }
  }
  return { arrays, leftOut, ...(options.texts && { texts }) };
}

/**
 * Returns the names of an archive's arrays, of which only the headers are read. Other entries are skipped.
 * @param options.file name used in error messages (default "npz")
 * @throws FormatError for a damaged archive, and for an array's damaged header
 */
export function listNpz(input: FileBytes, options: { file?: string } = {}): string[] {
  const file = options?.file ?? "npz";
  return openZip(toBytes(input), file)
    .filter(({ name }) => name.endsWith(".npy"))
    .flatMap(({ name, part }) => {
      const entryFile = `${file}:${name}`;
      return listNpy(headerOf(part, entryFile), arrayName(name), entryFile).map((array) => array.name);
    });
}

/**
 * Reads only the rows `start .. end` of one array: frames of a trajectory, say. Of an array that is not compressed, only these rows
 * are read; of a compressed one, nothing beyond them. Checksums are not checked, because they cover whole arrays.
 * @param options.file name used in error messages (default "npz")
 * @throws FormatError for a damaged archive, for a missing array, and for one that is not numeric; InputError for rows that do not
 * exist
 */
export function loadNpzRows(
  input: FileBytes,
  name: string,
  start: number,
  end: number,
  options: { file?: string } = {},
): SafeTensor {
  const file = options?.file ?? "npz";
  const { part, size, field, entryFile } = findArray(openZip(toBytes(input), file), name, file);
  return readRows(part, size, field, start, end, entryFile);
}

/**
 * Finds the entry that holds an array, or the structures of which it is a field.
 * @returns the entry, the name of the field, and the entry's name in error messages
 * @throws FormatError if there is none
 */
export function findArray<Entry extends { name: string }>(
  entries: readonly Entry[],
  name: string,
  file: string,
): Entry & { field?: string; entryFile: string } {
  const lengthOf = (entry: Entry) => arrayName(entry.name).length;
  const [entry] = entries
    .filter((other) => isIn(arrayName(other.name), name))
    .sort((a, b) => lengthOf(b) - lengthOf(a));
  if (entry) {
    const length = lengthOf(entry);
    const field = length < name.length ? name.slice(length + 1) : undefined;
    return { ...entry, field, entryFile: `${file}:${entry.name}` };
  }
  const found = entries.map((other) => arrayName(other.name));
  throw formatError(file, `holds no array "${name}", but ${found.slice(0, 100).join(", ") || "none"}.`, {
    tensor: name,
    found,
  });
}

/**
 * Writes an archive as `numpy.savez` does, not compressed; labels as their texts. The same arrays in the same order give the same bytes.
 * @throws InputError for an array whose data does not fit its shape or dtype, or whose type NumPy does not have, and for more than 4 GiB
 */
export function saveNpz(arrays: NamedTensors): Uint8Array<ArrayBuffer> {
  return saveNpzEntries(new Map(), new Map(tensorEntries(arrays)));
}

function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (size > MAX_ZIP) {
    throw new InputError(`the arrays have ${size} bytes, an .npz file holds ${MAX_ZIP}: write .safetensors.`, {
      expected: MAX_ZIP,
      found: size,
    });
  }
  // The time is fixed, at the earliest that ZIP can hold, so that the same arrays give the same bytes.
  return zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 1) });
}

/** Returns the decompressed entries of an archive: arrays, and whatever else it holds. */
export function npzEntries(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  return new Map(openZip(bytes, file).map((entry) => [entry.name, entry.read()]));
}

/** Writes entries, and arrays in addition to or in place of them. */
export function saveNpzEntries(
  entries: ReadonlyMap<string, Uint8Array>,
  arrays: ReadonlyMap<string, SafeTensorInput>,
): Uint8Array<ArrayBuffer> {
  const files = [...arrays].map(([name, array]) => [`${name}.npy`, npyOf(name, array)] as const);
  return zipFiles(new Map([...entries, ...files]));
}

function npyOf(name: string, array: SafeTensorInput): Uint8Array {
  const { shape, data, labels } = array ?? {};
  if (!labels) return saveNpy(array, { name });
  const texts = Array.from<unknown, string>(data, (value) => String(labels.get(Number(value)) ?? ""));
  return saveNpyTexts({ shape: [...shape], texts });
}

const arrayName = (entry: string) => entry.replace(/\.npy$/, "");

/** Whether an array is that of an entry, or may be a field of its structures. */
const isIn = (entry: string, array: string) => array === entry || array.startsWith(`${entry}/`);
