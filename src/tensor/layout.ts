// How arrays of different shapes are traversed together: strides, and NumPy's broadcasting.

import { expectNumber } from "../arguments/kinds.ts";
import { sizeOf } from "../arguments/numbers.ts";
import { InputError } from "../errors.ts";

/** Returns the strides of a row-major array, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/**
 * Returns the shape to which two arrays are broadcast: aligned at their last axes, an axis that is 1 or missing
 * repeats.
 * @throws InputError if two axes differ and neither is 1.
 */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const first = a[axis - rank + a.length] ?? 1;
    const second = b[axis - rank + b.length] ?? 1;
    if (first !== second && first !== 1 && second !== 1) {
      throw new InputError(`the shapes [${a}] and [${b}] cannot be broadcast together: ${first} against ${second}`, {
        first: [...a],
        second: [...b],
      });
    }
    return first === 1 ? second : first;
  });
}

/** Returns the strides with which a row-major array of `shape` is broadcast to the larger shape `whole`. */
export function repeatedStrides(shape: readonly number[], whole: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const missing = whole.length - shape.length;
  return whole.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing]));
}

/**
 * Merges neighbouring axes that every array traverses as if they were one, and drops axes of size 1.
 * @returns the resulting shape, of at least one axis, and each array's strides for it
 */
export function mergeAxes(
  shape: readonly number[],
  arrays: readonly (readonly number[])[],
): { shape: number[]; strides: number[][] } {
  const merged: number[] = [];
  const strides: number[][] = arrays.map(() => []);
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const last = merged.length - 1;
    if (last >= 0 && arrays.every((array, i) => strides[i][last] === array[axis] * size)) {
      merged[last] *= size;
      arrays.forEach((array, i) => (strides[i][last] = array[axis]));
      return;
    }
    merged.push(size);
    arrays.forEach((array, i) => strides[i].push(array[axis]));
  });
  if (merged.length > 0) return { shape: merged, strides };
  return { shape: [1], strides: arrays.map(() => [0]) };
}

/** An array seen as three axes: everything before an axis, the axis, and everything after it. */
export interface AroundAxis {
  axis: number;
  outer: number;
  size: number;
  inner: number;
}

/**
 * @param axis negative ones count from the end
 * @throws InputError if the shape has no such axis.
 */
export function aroundAxis(shape: readonly number[], axis: number): AroundAxis {
  expectNumber("axis", axis);
  const place = Number.isInteger(axis) && axis < 0 ? axis + shape.length : axis;
  const size = Number.isInteger(place) ? shape[place] : undefined;
  if (size === undefined) {
    throw new InputError(`a tensor of shape [${shape}] has no axis ${axis}`, { axis, found: [...shape] });
  }
  return { axis: place, outer: sizeOf(shape.slice(0, place)), size, inner: sizeOf(shape.slice(place + 1)) };
}
