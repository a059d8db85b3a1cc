// What netCDF-4 adds to HDF5: dimensions without a variable, missing numbers, and packed ones.

import type { SafeTensor } from "../bytes/elements.ts";
import { attributeNumbers, attributeText } from "./attributes.ts";
import type { H5Module } from "./h5wasm.ts";

/** How the attribute NAME of a netCDF dimension begins for which there is no variable: its data set holds zeros that nobody wrote. */
const BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable";

/** Attributes of netCDF's data sets with the numbers that stand for missing ones. */
const FILL_VALUE = "_FillValue";
const missingAttributes = [FILL_VALUE, "missing_value"];
/** The attribute of those of its data sets that have dimensions, and the number that by default stands for what nobody has written. */
const NETCDF_DIMENSIONS = "DIMENSION_LIST";
const NETCDF_FILL = 9.969209968386869e36;

/** Attributes of netCDF's data sets that hold other numbers than those that are meant. */
export const packingAttributes = ["scale_factor", "add_offset"];

/** How files of netCDF begin that are not HDF5. */
export const NETCDF_3 = "CDF";

/** Whether a data set stands for a dimension of netCDF of which there is no variable. */
export function isBareDimension(library: H5Module, file: bigint, path: string): boolean {
  return attributeText(library, file, path, "NAME").startsWith(BARE_DIMENSION);
}

/** Makes NaN of the values that stand for missing numbers in netCDF's data sets; integers among which there are such become float64. */
export function markMissing(library: H5Module, file: bigint, path: string, array: SafeTensor): SafeTensor {
  // The data of these are their bits.
  if (array.dtype === "F16" || array.dtype === "BF16" || array.dtype === "BOOL") return array;
  const values = missingAttributes.flatMap((name) => attributeNumbers(library, file, path, name));
  const isFloat = array.dtype === "F32" || array.dtype === "F64";
  const attributes = library.get_attribute_names(file, path);
  // Where a variable has a number of its own for what nobody has written, netCDF's is one like any other.
  if (isFloat && attributes.includes(NETCDF_DIMENSIONS) && !attributes.includes(FILL_VALUE)) values.push(NETCDF_FILL);
  let result = array;
  for (const value of values) {
    // The attribute may be of another type than the data.
    const missing = array.dtype === "F32" ? Math.fround(value) : value;
    const isBig = array.data instanceof BigInt64Array || array.data instanceof BigUint64Array;
    const at = indexIn(array.data, isBig && Number.isInteger(missing) ? BigInt(missing) : missing);
    if (at < 0) continue;
    if (!isFloat && result === array) result = { ...array, dtype: "F64", data: Float64Array.from(array.data, Number) };
    for (let i = at; i >= 0; i = indexIn(result.data, missing, i + 1)) result.data[i] = Number.NaN;
  }
  return result;
}

const indexIn = (data: SafeTensor["data"], value: number | bigint, start = 0): number =>
  (data as { indexOf(value: number | bigint, start: number): number }).indexOf(value, start);
