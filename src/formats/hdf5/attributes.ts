// Attributes of HDF5's data sets and groups: texts and numbers of fixed length.

import { readArray } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor } from "../bytes/elements.ts";
import { elementType, type Halves, isHalf, TEXT } from "./elements.ts";
import type { DatasetMetadata, H5Module } from "./h5wasm.ts";
import { allocate } from "./library.ts";

/** Returns an attribute of a data set or group if its elements are of fixed length: their class and the bytes of all; else undefined. */
function readAttribute(
  library: H5Module,
  file: bigint,
  path: string,
  attribute: string,
): { metadata: DatasetMetadata; count: number; bytes: Uint8Array } | undefined {
  if (!library.get_attribute_names(file, path).includes(attribute)) return undefined;
  const metadata = library.get_attribute_metadata(file, path, attribute);
  const count = Number(metadata.total_size);
  const length = metadata.size * count;
  const pointer = metadata.vlen || length === 0 ? 0 : allocate(library, length);
  if (pointer === 0) return undefined;
  try {
    const status = library.get_attribute_data(file, path, attribute, BigInt(pointer));
    return status < 0 ? undefined : { metadata, count, bytes: library.HEAPU8.slice(pointer, pointer + length) };
  } finally {
    library._free(pointer);
  }
}

/** Returns an attribute that is a text; "" for any other. */
export function attributeText(library: H5Module, file: bigint, path: string, attribute: string): string {
  const { metadata, count, bytes } = readAttribute(library, file, path, attribute) ?? {};
  return metadata?.type === TEXT && count === 1 ? new TextDecoder().decode(bytes) : "";
}

/**
 * Returns the numbers of an attribute in their own type; undefined if it is of something else.
 * @param halves finds out what floats of 16 bits are; without it they are something else
 */
export function attributeNumbers(
  library: H5Module,
  file: bigint,
  path: string,
  attribute: string,
  halves?: () => Halves,
): SafeTensor | undefined {
  const { metadata, count = 0, bytes } = readAttribute(library, file, path, attribute) ?? {};
  const dtype = metadata && elementType(metadata, isHalf(metadata) ? halves?.() : undefined);
  return dtype && bytes && { dtype, shape: [count], data: readArray(bytes, 0, count, arrayTypes[dtype]) };
}

/** What MATLAB, netCDF and pandas note of their own in a group. */
const [OF_LIBRARIES, PANDAS_TYPE] = [/^(MATLAB_|_nc3_strict$)/, "pandas_type"];

/** Returns the numbers in the attributes of groups, named by the groups' paths: "mach" of the file itself, "Header/BoxSize". */
export function groupNumbers(
  library: H5Module,
  file: bigint,
  groups: readonly string[],
  halves: () => Halves,
): Map<string, SafeTensor> {
  const found = new Map<string, SafeTensor>();
  for (const group of ["", ...groups]) {
    const names = library.get_attribute_names(file, `/${group}`);
    for (const name of names.includes(PANDAS_TYPE) ? [] : names.filter((name) => !OF_LIBRARIES.test(name))) {
      const numbers = attributeNumbers(library, file, `/${group}`, name, halves);
      if (numbers) found.set(group === "" ? name : `${group}/${name}`, numbers);
    }
  }
  return found;
}
