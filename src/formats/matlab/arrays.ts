// Arrays of MATLAB, which stores elements by columns: the axes of its files are in reverse.

import { elementCount, type TypedArray } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";

/** What is said of variables that are not read, and what their owner can do. */
export const leftOutAs = {
  text: "text: save its meaning as a number",
  sparse: "a sparse matrix: save full(x)",
  complex: "complex numbers: save real(x) and imag(x)",
  empty: "an empty array: save an array with elements",
};

/**
 * Returns an array as it is in MATLAB. Vectors are matrices there: they become [n].
 * @param array its elements as they follow one another in the file, the last axis of `shape` the fastest
 */
export function asInMatlab({ dtype, shape, data }: SafeTensor): SafeTensor {
  const sizes = [...shape].reverse();
  if (sizes.length === 2 && sizes.includes(1)) return { dtype, shape: [data.length], data };
  return { dtype, shape: sizes, data: reverseAxes(data, shape) };
}

/** @param shape of the elements as they are; that of the result is its reverse */
function reverseAxes(data: TypedArray, shape: readonly number[]): TypedArray {
  const reversed = data.slice();
  const steps = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const place = shape.map(() => 0);
  let target = 0;
  for (let source = 0; source < data.length; source++) {
    reversed[target] = data[source];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      target += steps[axis];
      if (++place[axis] < shape[axis]) break;
      target -= steps[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return reversed;
}
