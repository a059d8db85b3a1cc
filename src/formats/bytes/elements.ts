// Element types of tensors in files, the arrays that hold them, and their conversion to the engine's types.
// The names are those of safetensors; readers of other formats use them too.

import { classOf, describe, isMap } from "../../arguments/kinds.ts";
import { toShape } from "../../arguments/numbers.ts";
import { InputError } from "../../errors.ts";
import { elementCount, type TypedArray, type TypedArrayConstructor } from "./bytes.ts";
import { bfloat16ToFloat32, halfToNumber } from "./half.ts";
import type { TextArray } from "./text-arrays.ts";

/** The types of elements, by the names that safetensors uses. */
export type SafeTensorType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** A tensor as it is stored in a file. `data` holds the raw bits of F16 and BF16, and one byte per element of BOOL. */
export interface SafeTensor {
  dtype: SafeTensorType;
  /** Row-major; `[]` for a scalar. */
  shape: number[];
  /** A view of the file's bytes where they are aligned, else a copy. */
  data: TypedArray;
}

/** A tensor to be saved. Without `dtype`, the type is that of the array: a Float32Array is saved as F32. */
export interface SafeTensorInput {
  shape: readonly number[];
  data: TypedArray;
  dtype?: SafeTensorType;
  /** The texts that integers stand for: tables and .npz files hold these in their place. */
  labels?: ReadonlyMap<number, string | number>;
}

/** The arrays of a file, and for each array that is left out what it holds instead: "text". */
export interface ArrayContents {
  arrays: Map<string, SafeTensor>;
  /** Numbers that are noted of the whole or of groups of arrays: the attributes of HDF5 and netCDF, by their paths. */
  attributes?: Map<string, SafeTensor>;
  /** Arrays of texts, where these were asked for. They are left out, too. */
  texts?: Map<string, TextArray>;
  /** The texts in an attribute of arrays, where these were asked for, by the names of the arrays that have it. */
  notes?: Map<string, string>;
  leftOut: Map<string, string>;
}

/** The typed array for each element type. */
export const arrayTypes: Record<SafeTensorType, TypedArrayConstructor> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/**
 * Returns the tensor's values as float32: its own array if it is F32 already. BOOL becomes 0 and 1.
 * @throws InputError where a finite value is too large for float32.
 */
export function toFloat32(tensor: SafeTensor, name = "tensor"): Float32Array {
  expectElements(tensor, name);
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === "BF16") return bfloat16ToFloat32(data as Uint16Array);
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = dtype === "F16" ? halfToNumber(data[i] as number) : Number(data[i]);
    result[i] = value;
    if (dtype === "F64" && Number.isFinite(value) && !Number.isFinite(result[i])) {
      throw conversionError(name, i, value, "float32");
    }
  }
  return result;
}

/**
 * Returns the tensor's values as int32: its own array if it is I32 already.
 * @throws InputError where a value is not an integer of 32 bits.
 */
export function toInt32(tensor: SafeTensor, name = "tensor"): Int32Array {
  expectElements(tensor, name);
  const { dtype, data } = tensor;
  if (data instanceof Int32Array) return data;
  const source = dtype === "F16" || dtype === "BF16" ? toFloat32(tensor) : data;
  const result = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(source[i]);
    result[i] = value;
    if (result[i] !== value) throw conversionError(name, i, value, "int32");
  }
  return result;
}

/** Whether an array, of whatever realm, is one for elements of this type. */
const holds = (data: unknown, dtype: SafeTensorType) => classOf(data) === arrayTypes[dtype].name;

/** Whether an array, of whatever realm, is one of integers: those of points are, or are floats. */
export const isInt32Array = (data: unknown): data is Int32Array => holds(data, "I32");

const isType = (dtype: unknown) => typeof dtype === "string" && Object.hasOwn(arrayTypes, dtype);

/** @throws InputError for a tensor that no reader returns */
function expectElements(tensor: SafeTensor, name: string): void {
  if (isType(tensor?.dtype) && holds(tensor.data, tensor.dtype)) return;
  throw new InputError(`${name} is not a tensor of a file: expected { dtype, shape, data }.`, { tensor: name });
}

/** Tensors by name: a Map or an object. */
export type NamedTensors = ReadonlyMap<string, SafeTensorInput> | Readonly<Record<string, SafeTensorInput>>;

/** Returns named tensors in their order. */
export function tensorEntries(tensors: NamedTensors): [string, SafeTensorInput][] {
  if (typeof tensors !== "object" || tensors === null) {
    throw new InputError(`tensors are ${describe(tensors)}, expected a Map or an object of them by name.`);
  }
  return [...(isMap(tensors) ? (tensors as ReadonlyMap<string, SafeTensorInput>) : Object.entries(tensors))];
}

/**
 * Returns the element type with which a tensor is saved.
 * @throws InputError where its data does not fit its shape or dtype
 */
export function tensorType(name: string, tensor: SafeTensorInput): SafeTensorType {
  if (typeof tensor !== "object" || tensor === null) {
    throw new InputError(`tensor "${name}" is ${describe(tensor)}, expected { shape, data }.`, { tensor: name });
  }
  const { shape, data, dtype } = tensor;
  const wrong = (problem: string, details = {}) =>
    new InputError(`Cannot save tensor "${name}": ${problem}`, { tensor: name, ...details });
  if (dtype !== undefined && !isType(dtype)) throw wrong(`${describe(dtype)} is not a known dtype.`);
  toShape("shape", shape);
  const type = dtype ?? typeNames.find((candidate) => holds(data, candidate));
  if (!type || !holds(data, type)) {
    throw wrong(`${describe(data)} cannot hold ${type ?? "a tensor of any known dtype"}.`);
  }
  if (elementCount(shape) !== data.length) {
    throw wrong(`shape [${shape}] does not fit ${data.length} values.`, { found: data.length });
  }
  return type;
}

/** The element type of an array that is saved without a `dtype`. */
const typeNames: SafeTensorType[] = ["F64", "F32", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8"];

function conversionError(name: string, index: number, value: number, type: string): InputError {
  return new InputError(`${name}: element ${index} is ${value}, which ${type} cannot hold.`, {
    tensor: name,
    index,
    value,
  });
}
