// Elementwise functions: values and gradients over random shapes, and at the ends of the range.

import {
  abs,
  clamp,
  cos,
  exp,
  gelu,
  InputError,
  log,
  negate,
  operators,
  relu,
  scale,
  sigmoid,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  Tensor,
  tanh,
} from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { byDifferences, check, given, runs, sizeOf } from "../support/operators.ts";
import { erf } from "../support/reference.ts";

const softplusOf = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

interface Function {
  operator: (x: Tensor) => Tensor;
  reference: (x: number) => number;
  /** Whether arguments must be above 0.1. */
  positive?: boolean;
  /** The spread of the arguments. */
  spread?: number;
}

const functions: Record<string, Function> = {
  negate: { operator: negate, reference: (x) => -x },
  scale: { operator: (x) => scale(x, -2.5), reference: (x) => -2.5 * x },
  affine: { operator: (x) => operators.affine(x, 3, -1), reference: (x) => 3 * x - 1 },
  reciprocal: { operator: operators.reciprocal, reference: (x) => 1 / x, positive: true },
  gelu: { operator: gelu, reference: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)), spread: 3 },
  silu: { operator: silu, reference: (x) => x / (1 + Math.exp(-x)), spread: 5 },
  softplus: { operator: softplus, reference: softplusOf, spread: 5 },
  sigmoid: { operator: sigmoid, reference: (x) => 1 / (1 + Math.exp(-x)), spread: 5 },
  relu: { operator: relu, reference: (x) => Math.max(x, 0) },
  tanh: { operator: tanh, reference: Math.tanh, spread: 3 },
  sin: { operator: sin, reference: Math.sin, spread: 30 },
  cos: { operator: cos, reference: Math.cos, spread: 30 },
  exp: { operator: exp, reference: Math.exp, spread: 2 },
  log: { operator: log, reference: Math.log, positive: true },
  sqrt: { operator: sqrt, reference: Math.sqrt, positive: true },
  square: { operator: square, reference: (x) => x * x },
  abs: { operator: abs, reference: Math.abs },
};

const shapes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 });

onEachDevice((device) => {
  describe.each(Object.entries(functions))("%s", (name, { operator, reference, positive, spread }) => {
    test("has the values and derivatives of the float64 function on tensors of any shape", async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
          const random = seededRandom(seed);
          const input = given(shape, random, { scale: spread ?? 1 });
          // Difference quotients must not cross the corner of the absolute value.
          input.data = input.data.map((x) => (positive ? 0.1 + Math.abs(x) : x + 0.01 * (x < 0 ? -1 : 1)));
          const compute = (x: Float64Array) => x.map(reference);
          const found = await check(device(), [input], operator, byDifferences(compute), random, `${name} [${shape}]`);
          expect(found).toEqual(shape);
        }),
        runs,
      );
    });
  });

  /** Returns values and derivatives at the given numbers. */
  async function at(operator: (x: Tensor) => Tensor, numbers: number[]) {
    using x = Tensor.from(device(), Float32Array.from(numbers)).requireGrad();
    using y = operator(x);
    using ones = Tensor.from(device(), new Float32Array(numbers.length).fill(1));
    await y.backward(ones);
    return { values: await y.data(), slopes: (await x.grad?.data()) as Float32Array };
  }

  describe("far from zero", () => {
    test("softplus neither overflows nor loses its digits", async () => {
      const numbers = [-80, -20, -10, -1, 0, 1, 10, 20, 100, 1e4];
      const { values, slopes } = await at(softplus, numbers);
      numbers.forEach((x, i) => {
        expect(values[i] / softplusOf(x), `softplus(${x})`).toBeCloseTo(1, 4);
        expect(slopes[i] * (1 + Math.exp(-x)), `slope at ${x}`).toBeCloseTo(1, 4);
      });
    });

    test("tanh loses no digits near 0, and is 1 or -1 far from it", async () => {
      const numbers = [1e-30, -1e-7, 3e-4, -0.1, 0.6249, -0.6251, 3, -9.5, 1e4, -Infinity];
      const { values, slopes } = await at(tanh, numbers);
      numbers.forEach((x, i) => {
        expect(values[i] / Math.tanh(x), `tanh(${x})`).toBeCloseTo(1, 6);
        expect(slopes[i], `slope at ${x}`).toBeCloseTo(1 / Math.cosh(x) ** 2, 6);
      });
    });

    test("gelu and silu are 0 on one side and the identity on the other", async () => {
      for (const operator of [gelu, silu]) {
        const { values, slopes } = await at(operator, [-1e4, -100, 100, 1e4]);
        expect([...values].map((value) => value + 0)).toEqual([0, 0, 100, 1e4]);
        expect([...slopes].map((slope) => slope + 0)).toEqual([0, 0, 1, 1]);
      }
    });

    test("sine and cosine stay exact over thousands of turns", async () => {
      const numbers = Array.from({ length: 200 }, (_, i) => Math.fround((i - 100) * 61.7));
      const { values, slopes } = await at(sin, numbers);
      const cosines = await at(cos, numbers);
      numbers.forEach((x, i) => {
        expect(Math.abs(values[i] - Math.sin(x)), `sin(${x})`).toBeLessThan(1e-6);
        expect(Math.abs(slopes[i] - Math.cos(x)), `slope of sin at ${x}`).toBeLessThan(1e-6);
        expect(Math.abs(cosines.values[i] - Math.cos(x)), `cos(${x})`).toBeLessThan(1e-6);
      });
    });

    test("the sigmoid is 0 on one side and 1 on the other", async () => {
      const { values, slopes } = await at(sigmoid, [-1e4, 1e4]);
      expect([[...values], [...slopes]]).toEqual([
        [0, 1],
        [0, 0],
      ]);
    });

    test("what is clamped stays between the bounds, and has a gradient up to them", async () => {
      const numbers = [Number.NEGATIVE_INFINITY, -3, -2, 0.3, 5, 5.5, Number.POSITIVE_INFINITY];
      const { values, slopes } = await at((x) => clamp(x, -2, 5), numbers);
      expect([...values]).toEqual([-2, -2, -2, Math.fround(0.3), 5, 5, 5]);
      expect([...slopes].map((slope) => slope + 0)).toEqual([0, 0, 1, 1, 1, 0, 0]);
      using x = Tensor.from(device(), [1]);
      expect(() => clamp(x, 1, 0)).toThrow("nothing lies between 1 and 0: give the smaller one first");
    });

    test("the derivatives of the square root, of the absolute value and of relu at 0 are 0", async () => {
      for (const operator of [sqrt, abs, relu]) expect([...(await at(operator, [0])).slopes]).toEqual([0]);
    });
  });

  test("indices are refused", () => {
    using indices = Tensor.from(device(), new Int32Array(3));
    expect(() => gelu(indices)).toThrow(InputError);
  });

  test("a tensor without elements gives one without elements", async () => {
    using x = Tensor.from(device(), new Float32Array(0), [0, 3]);
    using y = gelu(x);
    expect(y.shape).toEqual([0, 3]);
    expect(sizeOf(y.shape)).toBe((await y.data()).length);
  });
});
