// Maxima of clouds, and places of maxima, against loops.

import { argmax, cloudMax, InputError, multiply, sum, Tensor } from "erwin";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { check, given, type Reference, runs } from "../support/operators.ts";

/** The row with the largest element of each cloud and column. */
function maxima(offsets: readonly number[], width: number): Reference {
  return ([x], probe) => {
    const value = new Float64Array((offsets.length - 1) * width);
    const gradient = new Float64Array(x.length);
    value.forEach((_, i) => {
      const [cloud, column] = [Math.floor(i / width), i % width];
      let best = offsets[cloud] * width + column;
      for (let row = offsets[cloud]; row < offsets[cloud + 1]; row++) {
        if (x[row * width + column] > x[best]) best = row * width + column;
      }
      value[i] = x[best];
      gradient[best] += probe[i];
    });
    return { value, gradients: [gradient] };
  };
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });

onEachDevice((device) => {
  test("the maximum of each cloud is one of its elements, which alone has the gradient", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 5 }), fc.nat(), async (points, width, seed) => {
        const random = seededRandom(seed);
        const offsets = [0];
        for (const size of points) offsets.push(offsets.at(-1)! + size);
        const x = [given([offsets.at(-1)!, width], random)];
        const found = await check(
          device(),
          x,
          (t) => cloudMax(t, offsets),
          maxima(offsets, width),
          random,
          `clouds of ${points}`,
        );
        expect(found).toEqual([points.length, width]);
      }),
      runs,
    );
  });

  test("of equal elements one has the whole gradient; a NaN is passed on; the result is a tensor of its own", async () => {
    using x = Tensor.from(device(), [2, 7, 2, 1, 2, Number.NaN], [3, 2]).requireGrad();
    using largest = cloudMax(x);
    expect([...(await largest.data())]).toEqual([2, Number.NaN]);
    using weighted = multiply(largest, Tensor.from(device(), [5, 0], [2]));
    using total = sum(weighted);
    await total.backward();
    const gradient = (await x.grad?.data()) as Float32Array;
    expect([...gradient].filter((_, i) => i % 2 === 0).sort()).toEqual([0, 0, 5]);
    const clouds = [0, 1, 2, 3];
    cloudMax(x, clouds).dispose();
    expect((await x.data()).length).toBe(6);
    expect(() => cloudMax(x, [0, 2])).toThrow(InputError);
  });

  test("argmax is the first largest element of each row; a NaN is larger than all", async () => {
    using x = Tensor.from(device(), [1, 3, 3, -2, -1, -5, 0, Number.NaN, Number.POSITIVE_INFINITY], [3, 3]);
    expect(await argmax(x)).toEqual(Int32Array.of(1, 1, 1));
    using none = Tensor.from(device(), new Float32Array(0), [3, 0]);
    await expect(argmax(none)).rejects.toThrow("a tensor of shape [3,0] has no classes");
    using indices = Tensor.from(device(), Uint32Array.of(1, 2));
    await expect(argmax(indices)).rejects.toThrow("x holds indices (u32)");
  });
});
