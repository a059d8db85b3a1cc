// Comparing arrays of numbers: error measures, and an assertion that says which element is worst and where it is.

import { expect } from "vitest";

type Numbers = ArrayLike<number>;

/** Where two arrays differ most. A NaN counts as infinitely wrong, so that it is never overlooked. */
export function worstElement(actual: Numbers, expected: Numbers): { index: number; difference: number } {
  let worst = { index: 0, difference: 0 };
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (difference > worst.difference) worst = { index: i, difference };
    if (Number.isNaN(difference)) return { index: i, difference: Number.POSITIVE_INFINITY };
  }
  return worst;
}

/** Largest absolute difference over the largest magnitude expected. */
export function relativeError(actual: Numbers, expected: Numbers): number {
  const { difference } = worstElement(actual, expected);
  return difference === 0 ? 0 : difference / largestMagnitude(expected);
}

/** Root of the summed squared differences over the root of the summed squares expected. */
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
  /** Values a row, to name the worst element by row and column. */
  columns?: number;
  /** The magnitude the difference is taken relative to; by default the largest one expected. */
  scale?: number;
}

/** Fails where an element is off by more than `tolerance` times the largest magnitude expected. */
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

function largestMagnitude(values: Numbers): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}
