// Sums and means: along any axis, of many elements, of arrays that exceed a binding, and the same bits every time.

import { InputError, mean, multiply, requestDevice, sum, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { check, given, type Reference, runs, sizeOf } from "../support/operators.ts";

/** Sums along an axis, or of all elements, times a factor; and their gradients, which are exact. */
function sums(shape: readonly number[], axis: number | undefined, factor: number): Reference {
  const inner = axis === undefined ? 1 : sizeOf(shape.slice(axis + 1));
  const size = axis === undefined ? sizeOf(shape) : shape[axis];
  const target = (i: number) => Math.floor(i / (size * inner)) * inner + (i % inner);
  return ([x], probe) => {
    const value = new Float64Array(sizeOf(shape) / size);
    x.forEach((number, i) => {
      value[target(i)] += factor * number;
    });
    return { value, gradients: [Float64Array.from(x, (_, i) => factor * probe[target(i)])] };
  };
}

const shapes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

onEachDevice((device) => {
  describe("sum and mean", () => {
    test("run along any axis", async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.nat(), fc.nat(), async (shape, place, seed) => {
          const random = seededRandom(seed);
          const axis = place % shape.length;
          const x = [given(shape, random)];
          const what = `[${shape}] along ${axis}`;
          const found = await check(device(), x, (t) => sum(t, axis), sums(shape, axis, 1), random, `sum of ${what}`);
          expect(found).toEqual(shape.filter((_, i) => i !== axis));
          const share = sums(shape, axis, 1 / shape[axis]);
          await check(device(), x, (t) => mean(t, axis - shape.length), share, random, `mean of ${what}`);
        }),
        runs,
      );
    });

    test("of all elements have the shape []", async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
          const random = seededRandom(seed);
          const x = [given(shape, random)];
          expect(
            await check(device(), x, (t) => sum(t), sums(shape, undefined, 1), random, `sum of [${shape}]`),
          ).toEqual([]);
          await check(
            device(),
            x,
            (t) => mean(t),
            sums(shape, undefined, 1 / sizeOf(shape)),
            random,
            `mean of [${shape}]`,
          );
        }),
        runs,
      );
    });

    test.each([
      { shape: [70_001], axis: undefined },
      { shape: [30_001, 3], axis: 0 },
      { shape: [3, 1031], axis: 1 },
      { shape: [2, 515, 7], axis: 1 },
      // One less than a step.
      { shape: [3, 7, 2], axis: 1 },
    ])("take many numbers in several steps: $shape along $axis", async ({ shape, axis }) => {
      const random = seededRandom(8);
      // All terms have the same sign, so that nothing cancels and an error that grows with their number becomes visible.
      const x = { shape, data: normals(sizeOf(shape), random).map((value) => 1 + 0.1 * value) };
      await check(device(), [x], (t) => sum(t, axis), sums(shape, axis, 1), random);
    });

    test("of nothing: the sum is 0, there is no mean", async () => {
      using x = Tensor.from(device(), new Float32Array(0), [0, 3]);
      using total = sum(x, 0);
      expect([...(await total.data())]).toEqual([0, 0, 0]);
      expect(() => mean(x)).toThrow(InputError);
      expect(() => sum(x, 2)).toThrow("no axis 2");
    });

    test("give the same bits every time", async () => {
      using x = Tensor.from(device(), normals(10_007, seededRandom(9)));
      const bits = async () => {
        using total = sum(x);
        return total.data();
      };
      const first = await bits();
      for (let i = 0; i < 3; i++) expect(await bits()).toEqual(first);
    });
  });
});

test("arrays that exceed a binding are split", async () => {
  const random = seededRandom(10);
  using small = await requestDevice({ backend: "webgpu", maxBindingBytes: 2 ** 16 });
  const rows = 20_003;
  const columns = 3;
  const shape = [rows, columns];
  await check(
    small,
    [given(shape, random), given([columns], random)],
    (x, y) => sum(multiply(x, y), 1),
    ([x, y], probe) => {
      const value = new Float64Array(rows);
      const gradients = [new Float64Array(x.length), new Float64Array(columns)];
      x.forEach((number, i) => {
        const row = Math.floor(i / columns);
        value[row] += number * y[i % columns];
        gradients[0][i] = probe[row] * y[i % columns];
        gradients[1][i % columns] += probe[row] * number;
      });
      return { value, gradients };
    },
    random,
  );
  await check(small, [given(shape, random)], (x) => sum(x), sums(shape, undefined, 1), random, "sum of all");
  // Of long rows, of columns, and of several sums of columns.
  for (const [shape, axis] of [
    [[2, 20_001], 1],
    [[20_003, 3], 0],
    [[60, 300, 3], 1],
  ] as const) {
    await check(small, [given(shape, random)], (x) => sum(x, axis), sums(shape, axis, 1), random, `[${shape}]`);
  }
});
