// Compares arrays: error measures, and an assertion that names the element with the largest error.

import { expect } from "vitest";

type Numbers = ArrayLike<number>;

/** Finds the largest difference of two arrays. A NaN counts as an infinite difference, so that it is never overlooked. */
function worstElement(actual: Numbers, expected: Numbers): { index: number; difference: number } {
  let worst = { index: 0, difference: 0 };
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (difference > worst.difference) worst = { index: i, difference };
    if (Number.isNaN(difference)) return { index: i, difference: Number.POSITIVE_INFINITY };
  }
  return worst;
}

/** The largest absolute difference, divided by the largest expected magnitude. */
export function relativeError(actual: Numbers, expected: Numbers): number {
  const { difference } = worstElement(actual, expected);
  return difference === 0 ? 0 : difference / largestMagnitude(expected);
}

/** The L2 norm of the differences, divided by that of the expected values. */
export function l2Error(actual: Numbers, expected: Numbers): number {
  let squares = 0;
  let total = 0;
  for (let i = 0; i < expected.length; i++) {
    squares += (actual[i] - expected[i]) ** 2;
    total += expected[i] ** 2;
  }
  return squares === 0 ? 0 : Math.sqrt(squares / total);
}

export interface CloseOptions {
  /** The number of values in a row, for naming an element by row and column. */
  columns?: number;
  /** The magnitude to which errors are relative; by default the largest expected one. */
  scale?: number;
}

/** Fails if the error of an element exceeds `tolerance` times the largest expected magnitude. */
export function expectClose(
  actual: Numbers,
  expected: Numbers,
  tolerance: number,
  what: string,
  { columns = 1, scale = largestMagnitude(expected) }: CloseOptions = {},
): void {
  expect(actual.length, `number of elements of ${what}`).toBe(expected.length);
  const { index, difference } = worstElement(actual, expected);
  const error = difference === 0 ? 0 : difference / scale;
  if (error <= tolerance) return;
  const place = columns > 1 ? `row ${Math.floor(index / columns)}, column ${index % columns}` : `element ${index}`;
  const off = Array.from(expected).filter((value, i) => !(Math.abs(actual[i] - value) <= tolerance * scale)).length;
  expect.fail(
    `${what}: relative error ${error.toExponential(2)} exceeds ${tolerance.toExponential(1)} at ${place}: ` +
      `${actual[index]}, expected ${expected[index]} (largest magnitude ${scale.toPrecision(4)}; ` +
      `${off} of ${expected.length} elements are off)`,
  );
}

/** Fails at the first element that differs; unlike toEqual at once, also where many do. */
export function expectSame(actual: Numbers, expected: Numbers, what: string): void {
  expect(actual.length, `number of elements of ${what}`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`${what}: element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

function largestMagnitude(values: Numbers): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}
