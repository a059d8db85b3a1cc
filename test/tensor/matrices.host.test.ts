// Products of matrices and transposes, against their formulas.

import { InputError, matmul, Tensor, transpose } from "erwin";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { byDifferences, check, given, runs } from "../support/operators.ts";

const size = fc.integer({ min: 1, max: 9 });

onEachDevice((device) => {
  test("products and transposes have the values and gradients of their formulas", async () => {
    await fc.assert(
      fc.asyncProperty(size, size, size, fc.nat(), async (n, inner, m, seed) => {
        const random = seededRandom(seed);
        const inputs = [given([n, inner], random), given([inner, m], random)];
        const product = byDifferences((a, b) =>
          Float64Array.from({ length: n * m }, (_, i) => {
            let sum = 0;
            for (let k = 0; k < inner; k++) sum += a[Math.floor(i / m) * inner + k] * b[k * m + (i % m)];
            return sum;
          }),
        );
        const what = `[${n}, ${inner}] x [${inner}, ${m}]`;
        expect(await check(device(), inputs, matmul, product, random, what)).toEqual([n, m]);
        const exchanged = byDifferences((a) => a.map((_, i) => a[(i % n) * inner + Math.floor(i / n)]));
        expect(await check(device(), [inputs[0]], transpose, exchanged, random, what)).toEqual([inner, n]);
      }),
      runs,
    );
  });

  test("matrices that have no product are refused with both shapes", () => {
    using a = Tensor.from(device(), new Float32Array(6), [2, 3]);
    expect(() => matmul(a, a)).toThrow(InputError);
    expect(() => matmul(a, a)).toThrow("matrices of shapes [2,3] and [2,3] have no product: 3 against 2");
  });
});
