// What the numbers of netCDF's variables stand for, which their attributes say: missing numbers, unsigned ones, and packed ones, of which
// scale and offset are left out. Conventions: the netCDF User's Guide, "Attribute Conventions".

import { bytesOf } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor, type SafeTensorType } from "../bytes/elements.ts";
import type { Unpacking } from "../compression/unpacking.ts";

const [FILL_VALUE, MISSING_VALUE, SCALE, OFFSET] = ["_FillValue", "missing_value", "scale_factor", "add_offset"];

/** The names of the attributes that hold numbers. */
export const conventions: readonly string[] = [FILL_VALUE, MISSING_VALUE, SCALE, OFFSET];

/** The name of the attribute that is "true" where integers of a signed type are unsigned, which netCDF's first files had no types for. */
export const UNSIGNED = "_Unsigned";

/** What says how a variable's numbers are meant. */
export interface Meaning {
  /** The attributes that are numbers: those of `conventions` among them. */
  attributes: ReadonlyMap<string, SafeTensor>;
  isUnsigned: boolean;
  /** Whether netCDF wrote it, and so a number of its own where nobody has written one. */
  isOfNetcdf: boolean;
}

/** The numbers that by default stand for what nobody has written. Single bytes have none. */
const defaultFill: Partial<Record<SafeTensorType, number | bigint>> = {
  F32: 9.969209968386869e36,
  F64: 9.969209968386869e36,
  I16: -32767,
  U16: 65535,
  I32: -2147483647,
  U32: 4294967295,
  I64: -9223372036854775806n,
  U64: 18446744073709551614n,
};

const unsigned: Partial<Record<SafeTensorType, SafeTensorType>> = { I8: "U8", I16: "U16", I32: "U32", I64: "U64" };

const isFloat = ({ dtype }: SafeTensor) => dtype === "F32" || dtype === "F64";

/**
 * Returns the numbers that a variable stands for. Missing ones are NaN: those that equal `_FillValue` or `missing_value`, and,
 * without a `_FillValue`, those that nobody has written; integers among which there are such become float64. Packed ones are
 * multiplied by `scale_factor`, and `add_offset` is added: in float32 where data of at most 16 bits, or of float32, and the
 * attributes are no more precise, as NumPy has it, else in float64.
 * @param unpacking counts the memory of the result, for the limits
 */
export function unpack(array: SafeTensor, meaning: Meaning, unpacking: Unpacking, place: string): SafeTensor {
  // The data of these are their bits.
  if (array.dtype === "F16" || array.dtype === "BF16" || array.dtype === "BOOL") return array;
  const { attributes, isUnsigned, isOfNetcdf } = meaning;
  const raw = isUnsigned ? asUnsigned(array) : array;
  const numberOf = (name: string) => {
    const { dtype, data } = attributes.get(name) ?? {};
    return dtype && data?.length === 1 ? { dtype, value: Number(data[0]) } : undefined;
  };
  const steps = [numberOf(SCALE), numberOf(OFFSET)];
  const isPacked = steps.some((step) => step !== undefined);
  const missing = [FILL_VALUE, MISSING_VALUE].flatMap((name) => {
    const values = attributes.get(name);
    return values ? Array.from<number | bigint>(isUnsigned ? asUnsigned(values).data : values.data) : [];
  });
  // Where a variable has a number of its own for what nobody has written, netCDF's is one like any other.
  const fill = isOfNetcdf && !attributes.has(FILL_VALUE) ? defaultFill[raw.dtype] : undefined;
  if (fill !== undefined) missing.push(fill);

  const take = (type: SafeTensorType) => unpacking.take(raw.data.length * arrayTypes[type].BYTES_PER_ELEMENT, place);
  const { data } = raw;
  const found = missing.map((value) => elementOf(raw, value)).filter((value) => indexIn(data, value) >= 0);
  let result = raw;
  if (isPacked) {
    result = { ...raw, ...scaled(raw, steps, take) };
  } else if (found.length > 0 && !isFloat(raw)) {
    take("F64");
    result = { ...raw, dtype: "F64", data: Float64Array.from(data as Int32Array, Number) };
  }
  for (const value of found) {
    for (let i = indexIn(data, value); i >= 0; i = indexIn(data, value, i + 1)) result.data[i] = Number.NaN;
  }
  return result;
}

/** A factor or an addend of packed numbers. */
interface Step {
  dtype: SafeTensorType;
  value: number;
}

function scaled(
  { dtype, data }: SafeTensor,
  [scale, offset]: readonly (Step | undefined)[],
  take: (type: SafeTensorType) => void,
): Pick<SafeTensor, "dtype" | "data"> {
  const product = scale ? joint(dtype, scale) : dtype;
  const sum = offset ? joint(product, offset) : product;
  take(sum);
  const [factor, addend] = [scale?.value ?? 1, offset?.value ?? 0];
  const result = sum === "F32" ? new Float32Array(data.length) : new Float64Array(data.length);
  for (let i = 0; i < result.length; i++) {
    const value = Number(data[i]) * factor;
    result[i] = (product === "F32" ? Math.fround(value) : value) + addend;
  }
  return { dtype: sum, data: result };
}

/** The types whose numbers float32 can hold. */
const small: readonly SafeTensorType[] = ["F32", "I8", "U8", "I16", "U16"];

/** Returns the type in which numbers of a type are multiplied by, or added to, one of another. */
const joint = (dtype: SafeTensorType, step: Step): SafeTensorType =>
  small.includes(dtype) && step.dtype === "F32" ? "F32" : "F64";

/** Returns integers of a signed type as those of the same bits without a sign. */
function asUnsigned(array: SafeTensor): SafeTensor {
  const dtype = unsigned[array.dtype];
  if (dtype === undefined) return array;
  const bytes = bytesOf(array.data);
  return { ...array, dtype, data: new arrayTypes[dtype](bytes.buffer, bytes.byteOffset, array.data.length) };
}

/** Returns a value, which may be of another type than the array's elements, as it would be among them; it may be none that can be. */
function elementOf({ dtype, data }: SafeTensor, value: number | bigint): number | bigint {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return typeof value === "bigint" || Number.isInteger(value) ? BigInt(value) : Number.NaN;
  }
  return dtype === "F32" ? Math.fround(Number(value)) : Number(value);
}

const indexIn = (data: SafeTensor["data"], value: number | bigint, start = 0): number =>
  (data as { indexOf(value: number | bigint, start: number): number }).indexOf(value, start);

/**
 * Returns which of the attributes of packed numbers are not one number each, so that nobody knows what is meant.
 * @param names of all attributes of a variable, of which some may be no numbers
 */
export const unclearPacking = (names: readonly string[], attributes: ReadonlyMap<string, SafeTensor>): string[] =>
  [SCALE, OFFSET].filter((name) => names.includes(name) && attributes.get(name)?.data.length !== 1);
