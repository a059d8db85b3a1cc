// The elements of HDF5's data sets: which of them are read, and as what.

import type { SafeTensorType } from "../bytes/elements.ts";
import type { DatasetMetadata, ElementMetadata, H5Module } from "./h5wasm.ts";

/** Numbers of element classes in HDF5. */
export const INTEGER = 0;
export const FLOAT = 1;
export const TEXT = 3;
export const COMPOUND = 6;
/** Names of integers: h5py stores booleans so. */
export const ENUMERATION = 8;
const SEQUENCE = 9;

/** Element classes that are not read, by their numbers in HDF5. */
const otherElements: Record<number, string> = {
  2: "times",
  3: "text",
  4: "bit fields",
  5: "opaque bytes",
  [COMPOUND]: "compounds",
  7: "references",
  [SEQUENCE]: "sequences of varying length",
  10: "arrays as elements",
};

export const floats: Record<number, SafeTensorType> = { 4: "F32", 8: "F64" };
const signedIntegers: Record<number, SafeTensorType> = { 1: "I8", 2: "I16", 4: "I32", 8: "I64" };
const unsignedIntegers: Record<number, SafeTensorType> = { 1: "U8", 2: "U16", 4: "U32", 8: "U64" };

/** Returns the type of a data set's elements; undefined for those that are not read. */
export function elementType(
  { type, size, signed, vlen, enum_type }: ElementMetadata,
  halves: Halves | undefined,
): SafeTensorType | undefined {
  if (vlen) return undefined;
  if (isHalf({ type, size })) return halves === "both" ? undefined : halves;
  if (type === FLOAT) return floats[size];
  const isBoolean = size === 1 && Object.values(enum_type?.members ?? {}).every((value) => value === 0 || value === 1);
  if (type === ENUMERATION && isBoolean) return "BOOL";
  return type === INTEGER || type === ENUMERATION ? (signed ? signedIntegers : unsignedIntegers)[size] : undefined;
}

export const isHalf = ({ type, size }: Pick<ElementMetadata, "type" | "size">): boolean => type === FLOAT && size === 2;

/** An array in a data set: all of its numbers, or those that its compounds have in one member. */
export interface DatasetArray {
  /** The path of the data set; of a member PATH/MEMBER. */
  name: string;
  path: string;
  dataset: DatasetMetadata;
  /** Its numbers, or whatever it has instead. */
  elements: ElementMetadata;
  /** Where it is in each compound: the bytes before it, and its shape there. */
  member?: { offset: number; shape: readonly number[] };
}

/** Returns the arrays in a data set. */
export function arraysIn(path: string, dataset: DatasetMetadata): DatasetArray[] {
  const members = dataset.compound_type?.members;
  if (!members) return [{ name: path, path, dataset, elements: dataset }];
  return members.map((member) => {
    const { name, offset, array_type } = member;
    const shape = Array.from(array_type?.shape ?? [], Number);
    return { name: `${path}/${name}`, path, dataset, elements: array_type ?? member, member: { offset, shape } };
  });
}

/**
 * Returns how many times a file's data sets and attributes are described to hold floats of 16 bits, within compounds too; infinity where
 * there are sequences of varying length, of which the library does not say what they hold.
 */
export function halvesAmong(
  library: H5Module,
  file: bigint,
  datasets: readonly string[],
  groups: readonly string[],
): number {
  let count = 0;
  for (const path of datasets) count += halvesWithin(library.get_dataset_metadata(file, path));
  for (const path of ["/", ...groups, ...datasets]) {
    for (const name of library.get_attribute_names(file, path)) {
      count += halvesWithin(library.get_attribute_metadata(file, path, name));
    }
  }
  return count;
}

function halvesWithin(elements: ElementMetadata): number {
  const { type, array_type, compound_type } = elements;
  if (type === SEQUENCE) return Number.POSITIVE_INFINITY;
  const parts = [...(array_type ? [array_type] : []), ...(compound_type?.members ?? [])];
  return parts.reduce((sum, part) => sum + halvesWithin(part), isHalf(elements) ? 1 : 0);
}

/** The floats of 16 bits in a file. */
export type Halves = "F16" | "BF16" | "both";

/** What follows the number of the sign's bit in the description of a float of 2 bytes: its size, first bit and precision. */
const HALF = [0x0f, 0, 2, 0, 0, 0, 0, 0, 16, 0] as const;
/** Then where exponent and mantissa begin, and how many bits they have, and the exponent's bias. */
const BFLOAT16 = "7,8,0,7,127,0,0,0";
const FLOAT16 = "10,5,0,10,15,0,0,0";

/**
 * Finds out what a file's floats of 16 bits are. The library does not tell, so their descriptions are looked for in the file itself,
 * which may be larger than memory: until there is one for each that there should be.
 * @param path of the file in the library's file system
 * @param descriptions how many there are of such floats
 */
export function halvesIn({ FS }: H5Module, path: string, descriptions: number): Halves {
  const found: string[] = [];
  const length = HALF.length + 8;
  const part = new Uint8Array(2 ** 24);
  const stream = FS.open(path, "r");
  try {
    for (let offset = 0, count = length; count >= length && found.length < descriptions; offset += count - length + 1) {
      count = FS.read(stream, part, 0, part.length, offset);
      for (let at = part.indexOf(HALF[0]); at >= 0 && at + length <= count; at = part.indexOf(HALF[0], at + 1)) {
        if (!HALF.every((byte, i) => part[at + i] === byte)) continue;
        const kind = part.slice(at + HALF.length, at + length).join();
        if (kind === BFLOAT16 || kind === FLOAT16) found.push(kind);
      }
    }
  } finally {
    FS.close(stream);
  }
  if (!found.includes(BFLOAT16)) return "F16";
  return found.includes(FLOAT16) ? "both" : "BF16";
}

/** Names elements that are not read. */
export const elementsName = ({ type, size }: ElementMetadata): string =>
  otherElements[type] ?? `numbers of ${8 * size} bits`;
