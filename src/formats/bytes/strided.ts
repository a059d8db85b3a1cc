// Arrays whose elements are not in row-major order: column-major arrays, and views of other arrays.

import { elementCount, type TypedArray, type TypedArrayConstructor } from "./bytes.ts";

/** Returns the elements of a strided view in row-major order. Element (i, j, ...) is `elements[first + i strides[0] + j strides[1] + ...]`. */
export function gatherStrided<Elements extends TypedArray>(
  elements: Elements,
  first: number,
  shape: readonly number[],
  strides: readonly number[],
): Elements {
  const result = new (elements.constructor as TypedArrayConstructor)(elementCount(shape)) as Elements;
  // Axes of length 1 have no effect; without them, advancing takes two steps per element on average.
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis] !== 1);
  const index = new Array<number>(shape.length).fill(0);
  let source = first;
  for (let target = 0; target < result.length; target++) {
    result[target] = elements[source];
    for (let i = axes.length - 1; i >= 0; i--) {
      const axis = axes[i];
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
