// Arithmetic with NumPy's broadcasting, and with numbers.

import { add, divide, InputError, maximum, minimum, multiply, subtract, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { byDifferences, check, type Given, given, runs, sizeOf } from "../support/operators.ts";

const operations = {
  add: { operator: add, reference: (a: number, b: number) => a + b },
  subtract: { operator: subtract, reference: (a: number, b: number) => a - b },
  multiply: { operator: multiply, reference: (a: number, b: number) => a * b },
  divide: { operator: divide, reference: (a: number, b: number) => a / b },
  maximum: { operator: maximum, reference: Math.max },
  minimum: { operator: minimum, reference: Math.min },
};

/**
 * Two shapes that can be broadcast: on each axis of the whole, either has its size, has 1, or (leading axes) lacks the
 * axis.
 */
const pairs = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 6 }), first: fc.boolean(), second: fc.boolean() }), {
    maxLength: 4,
  })
  .chain((axes) =>
    fc.record({
      whole: fc.constant(axes.map(({ size, first, second }) => (first || second ? size : 1))),
      first: fc.nat(axes.length).map((cut) =>
        shorten(
          axes.map(({ size, first }) => (first ? size : 1)),
          cut,
        ),
      ),
      second: fc.nat(axes.length).map((cut) =>
        shorten(
          axes.map(({ size, second }) => (second ? size : 1)),
          cut,
        ),
      ),
    }),
  );

/** Drops up to `cut` leading axes, as long as they are 1. */
function shorten(shape: number[], cut: number): number[] {
  let dropped = 0;
  while (dropped < cut && shape[dropped] === 1) dropped++;
  return shape.slice(dropped);
}

/** Returns the element of a broadcast array at an index of the result. */
function placeIn(shape: readonly number[], whole: readonly number[], place: number): number {
  let rest = place;
  let at = 0;
  let stride = 1;
  for (let axis = 1; axis <= whole.length; axis++) {
    const index = rest % whole[whole.length - axis];
    rest = Math.floor(rest / whole[whole.length - axis]);
    const own = shape[shape.length - axis] ?? 1;
    if (own > 1) at += index * stride;
    stride *= own;
  }
  return at;
}

/** Keeps divisors away from 0. */
const awayFromZero = ({ shape, data }: Given): Given => ({ shape, data: data.map((x) => x + (x < 0 ? -0.5 : 0.5)) });

onEachDevice((device) => {
  describe.each(Object.entries(operations))("%s", (name, { operator, reference }) => {
    test("repeats axes of size 1 and missing ones, and sums their gradients", async () => {
      await fc.assert(
        fc.asyncProperty(pairs, fc.nat(), async ({ whole, first, second }, seed) => {
          const random = seededRandom(seed);
          const shape = whole.slice(whole.length - Math.max(first.length, second.length));
          const compute = (a: Float64Array, b: Float64Array) =>
            Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
              reference(a[placeIn(first, shape, i)], b[placeIn(second, shape, i)]),
            );
          const inputs = [given(first, random), awayFromZero(given(second, random))];
          const what = `${name} [${first}], [${second}]`;
          expect(await check(device(), inputs, operator, byDifferences(compute), random, what)).toEqual(shape);
        }),
        { ...runs, numRuns: 8 },
      );
    });

    test("takes a number on either side", async () => {
      const random = seededRandom(5);
      const x = awayFromZero(given([7, 3], random));
      const right = byDifferences((values) => values.map((value) => reference(value, 2.5)));
      const left = byDifferences((values) => values.map((value) => reference(2.5, value)));
      await check(device(), [x], (tensor) => operator(tensor, 2.5), right, random, `${name} x, 2.5`);
      await check(device(), [x], (tensor) => operator(2.5, tensor), left, random, `${name} 2.5, x`);
    });

    test("of a scalar and a number is a scalar", () => {
      using x = Tensor.from(device(), [3], []);
      using y = operator(x, 2);
      expect(y.shape).toEqual([]);
    });

    test("takes the same tensor on both sides", async () => {
      const random = seededRandom(6);
      const x = awayFromZero(given([70], random));
      const both = byDifferences((values) => values.map((value) => reference(value, value)));
      await check(device(), [x], (tensor) => operator(tensor, tensor), both, random, `${name} x, x`);
    });
  });

  test("sums over many repetitions are as exact as short ones", async () => {
    const random = seededRandom(7);
    const rows = 3001;
    const repeated = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Float64Array.from({ length: rows * 5 }, (_, i) => x[i] * y[i % 5]);
    await check(
      device(),
      [given([rows, 5], random), given([5], random)],
      multiply,
      ([x, y], probe) => ({
        value: repeated(x, y),
        gradients: [
          repeated(probe, y),
          Float64Array.from({ length: 5 }, (_, c) => {
            let sum = 0;
            for (let row = 0; row < rows; row++) sum += probe[row * 5 + c] * x[row * 5 + c];
            return sum;
          }),
        ],
      }),
      random,
    );
  });

  test("shapes that cannot be broadcast together are refused, and so are two numbers", () => {
    using a = Tensor.from(device(), new Float32Array(6), [2, 3]);
    using b = Tensor.from(device(), new Float32Array(4), [2, 2]);
    expect(() => add(a, b)).toThrow(InputError);
    expect(() => add(a, b)).toThrow("[2,3] and [2,2]");
    expect(() => add(1, 2)).toThrow(InputError);
    using striped = Tensor.from(device(), new Float32Array(8), [2, 1, 2, 1, 2]);
    using across = Tensor.from(device(), new Float32Array(4), [2, 1, 2, 1]);
    const { current } = device().memory;
    expect(() => add(striped, across)).toThrow("needs 5 axes, but at most 4 are possible");
    expect(device().memory.current).toBe(current);
  });
});
