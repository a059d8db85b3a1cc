// What netCDF-4 adds to HDF5: dimensions without a variable, and attributes that say what a data set's numbers stand for.

import type { SafeTensor } from "../bytes/elements.ts";
import { conventions, type Meaning, UNSIGNED, unclearPacking } from "../netcdf/conventions.ts";
import { attributeNumbers, attributeText } from "./attributes.ts";
import type { H5Module } from "./h5wasm.ts";

/** How the attribute NAME of a netCDF dimension begins for which there is no variable: its data set holds zeros that nobody wrote. */
const BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable";

/** The attribute of those of its data sets that have dimensions. */
const DIMENSIONS = "DIMENSION_LIST";

/** Whether a data set stands for a dimension of netCDF of which there is no variable. */
export function isBareDimension(library: H5Module, file: bigint, path: string): boolean {
  return attributeText(library, file, path, "NAME").startsWith(BARE_DIMENSION);
}

/** The attributes of a data set that say what its numbers stand for. */
export function meaningOf(library: H5Module, file: bigint, path: string): Meaning & { unclear: readonly string[] } {
  const names = library.get_attribute_names(file, path);
  const attributes = new Map<string, SafeTensor>();
  for (const name of conventions) {
    const values = names.includes(name) ? attributeNumbers(library, file, path, name) : undefined;
    if (values) attributes.set(name, values);
  }
  const isUnsigned = names.includes(UNSIGNED) && attributeText(library, file, path, UNSIGNED).startsWith("true");
  return { attributes, isUnsigned, isOfNetcdf: names.includes(DIMENSIONS), unclear: unclearPacking(names, attributes) };
}
