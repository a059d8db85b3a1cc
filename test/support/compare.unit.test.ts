// Comparisons must fail for NaN, for different lengths, and for differences that are large relative to the scale.

import { expect, test } from "vitest";
import { expectClose, l2Error, relativeError } from "./compare.ts";

test("errors are relative to what is expected", () => {
  expect(relativeError([1, 2, 4], [1, 2, 5])).toBeCloseTo(0.2);
  expect(l2Error([0, 4], [3, 4])).toBeCloseTo(0.6);
  expect(relativeError([0, 0], [0, 0])).toBe(0);
  expect(relativeError([0, 1e-9], [0, 0])).toBe(Number.POSITIVE_INFINITY);
});

test("a NaN is never close", () => {
  expect(relativeError([1, Number.NaN], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  expect(() => expectClose([Number.NaN], [0], 1, "x")).toThrow("relative error Infinity");
});

test("the message names the worst element, its place and the number of wrong elements", () => {
  const act = () => expectClose([1, 2, 3, 4.5], [1, 2, 3.1, 4], 1e-3, "out", { columns: 2 });
  expect(act).toThrow(/out: relative error 1\.25e-1 .*row 1, column 1: 4\.5, expected 4 .*2 of 4 elements/);
  expect(() => expectClose([1], [1, 1], 1, "out")).toThrow("number of elements of out");
});
