// The numbers of a file's arrays.

import { type SafeTensor, toFloat32 } from "../../formats/bytes/elements.ts";

/** Numbers of a file: float32, or float64 if float32 cannot represent them. */
export type FileNumbers = Float32Array | Float64Array;

/** Returns an array's values as numbers. */
export function numbersOf(array: SafeTensor, name: string): FileNumbers {
  const { dtype, data } = array;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (dtype === "F16" || dtype === "BF16") return toFloat32(array, name);
  return Float64Array.from(data as Int32Array, Number);
}
