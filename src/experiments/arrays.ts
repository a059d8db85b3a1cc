// Checks the arrays in a data set's files; errors name the file.

import { firstNotFinite } from "../arguments/numbers.ts";
import { FormatError } from "../errors.ts";
import { type SafeTensor, toFloat32, toInt32 } from "../formats/bytes/elements.ts";

/** The shape that an array must have; -1 stands for a size that the file chooses. */
export type ExpectedShape = readonly number[];

/** @throws FormatError naming the file and both shapes */
export function expectShape({ shape }: SafeTensor, expected: ExpectedShape, file: string): void {
  if (shape.length === expected.length && expected.every((size, axis) => size < 0 || size === shape[axis])) return;
  const wanted = expected.map((size) => (size < 0 ? "any" : size)).join(", ");
  throw new FormatError(`${file}: has the shape [${shape.join(", ")}], expected [${wanted}].`, {
    file,
    expected: [...expected],
    found: [...shape],
  });
}

/** Returns an array of finite numbers of a given shape. @throws FormatError naming the file and the first number that is not finite */
export function floatsOf(array: SafeTensor, expected: ExpectedShape, file: string): Float32Array {
  expectShape(array, expected, file);
  const values = namingFile(file, () => toFloat32(array));
  expectFinite(values, file);
  return values;
}

/** Returns an array of integers of a given shape, from 0 to below `end`. @throws FormatError naming the file and the first other */
export function integersOf(array: SafeTensor, expected: ExpectedShape, end: number, file: string): Int32Array {
  expectShape(array, expected, file);
  const values = namingFile(file, () => toInt32(array));
  let wrong = 0;
  while (wrong < values.length && values[wrong] >= 0 && values[wrong] < end) wrong++;
  if (wrong === values.length) return values;
  throw new FormatError(`${file}: element ${wrong} is ${values[wrong]}, expected 0 to ${end - 1}.`, {
    file,
    row: wrong,
    found: values[wrong],
  });
}

/** @throws FormatError naming the file and the first number that is not finite */
export function expectFinite(values: Float32Array | Float64Array, file: string): void {
  const wrong = firstNotFinite(values);
  if (wrong < 0) return;
  throw new FormatError(`${file}: element ${wrong} is ${values[wrong]}, expected finite numbers.`, {
    file,
    row: wrong,
  });
}

/** Calls `convert`, and converts its error about elements to an error about the file. */
export function namingFile<Result>(file: string, convert: () => Result): Result {
  try {
    return convert();
  } catch (cause) {
    throw new FormatError(`${file}: ${(cause as Error).message}`, { file }, { cause });
  }
}
