// Concatenation, slices and splits along any axis.

import { concatenate, InputError, scope, slice, split, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { byDifferences, check, given, runs, sizeOf } from "../support/operators.ts";

const size = fc.integer({ min: 1, max: 7 });
const shapes = fc.array(size, { minLength: 1, maxLength: 4 });

/** Returns the elements of x whose index along the axis is in [start, end). */
function sectionOf(x: ArrayLike<number>, shape: readonly number[], axis: number, start: number, end: number): number[] {
  const inner = sizeOf(shape.slice(axis + 1));
  return Array.from(x).filter((_, i) => {
    const index = Math.floor(i / inner) % shape[axis];
    return index >= start && index < end;
  });
}

onEachDevice((device) => {
  describe("concatenate", () => {
    test("puts tensors side by side, and splits the gradient", async () => {
      await fc.assert(
        fc.asyncProperty(
          shapes,
          fc.nat(),
          fc.array(size, { minLength: 1, maxLength: 4 }),
          fc.nat(),
          async (...given4) => {
            const [shape, place, sizes, seed] = given4;
            const random = seededRandom(seed);
            const axis = place % shape.length;
            const along = (count: number) => shape.map((own, i) => (i === axis ? count : own));
            const outer = sizeOf(shape.slice(0, axis));
            const join = (...parts: Float64Array[]) =>
              Array.from({ length: outer }, (_, o) =>
                parts.flatMap((part) =>
                  Array.from(part.subarray((o * part.length) / outer, ((o + 1) * part.length) / outer)),
                ),
              ).flat();
            const inputs = sizes.map((count) => given(along(count), random));
            const found = await check(
              device(),
              inputs,
              (...tensors) => concatenate(tensors, axis - shape.length),
              byDifferences(join),
              random,
              `[${inputs.map(({ shape }) => `[${shape}]`)}] along ${axis}`,
            );
            expect(found).toEqual(along(sizes.reduce((a, b) => a + b)));
          },
        ),
        runs,
      );
    });

    test("may take a tensor twice", async () => {
      const random = seededRandom(1);
      const twice = byDifferences((x) => [...x, ...x]);
      await check(device(), [given([5, 3], random)], (x) => concatenate([x, x]), twice, random);
    });

    test("refuses an empty list, sizes that differ on other axes, and an axis that does not exist", () => {
      using a = Tensor.from(device(), new Float32Array(6), [2, 3]);
      using b = Tensor.from(device(), new Float32Array(4), [2, 2]);
      expect(() => concatenate([])).toThrow(InputError);
      expect(() => concatenate([a, b], 0)).toThrow("tensor 1 has the shape [2,2]");
      expect(() => concatenate([a], 2)).toThrow("no axis 2");
    });
  });

  describe("slice", () => {
    test("takes a section, and leaves zeros around its gradient", async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.nat(), fc.nat(), fc.nat(), async (shape, place, from, seed) => {
          const random = seededRandom(seed);
          const axis = place % shape.length;
          const start = from % shape[axis];
          const end = start + 1 + (seed % (shape[axis] - start));
          const compute = byDifferences((x) => sectionOf(x, shape, axis, start, end));
          const what = `[${shape}] along ${axis} from ${start} to ${end}`;
          await check(device(), [given(shape, random)], (x) => slice(x, axis, start, end), compute, random, what);
        }),
        runs,
      );
    });

    test("extends to the end if no end is given; may be empty", async () => {
      using x = Tensor.from(device(), Float32Array.of(0, 1, 2, 3, 4, 5), [3, 2]);
      using rest = slice(x, 0, 1);
      using none = slice(x, -1, 2);
      expect([...(await rest.data())]).toEqual([2, 3, 4, 5]);
      expect(none.shape).toEqual([3, 0]);
    });

    test("refuses a section that leaves the axis", () => {
      using x = Tensor.from(device(), new Float32Array(6), [3, 2]);
      for (const [start, end] of [
        [-1, 2],
        [2, 1],
        [0, 4],
        [0.5, 2],
      ]) {
        expect(() => slice(x, 0, start, end)).toThrow(InputError);
      }
    });
  });

  describe("split", () => {
    test("gives sections whose gradients add up to the whole's", async () => {
      const random = seededRandom(3);
      const sizes = [2, 1, 4];
      const swapped = (x: ArrayLike<number>) =>
        [
          [3, 7],
          [0, 2],
          [2, 3],
        ].flatMap(([start, end]) => sectionOf(x, [7, 5], 0, start, end));
      await check(
        device(),
        [given([7, 5], random)],
        (x) => {
          const [first, second, third] = split(x, sizes);
          return concatenate([third, first, second]);
        },
        byDifferences(swapped),
        random,
      );
    });

    test("takes a number of equal sections, along any axis", async () => {
      using x = Tensor.from(
        device(),
        Float32Array.from({ length: 12 }, (_, i) => i),
        [2, 6],
      );
      const parts = split(x, 3, 1);
      expect(await Promise.all(parts.map(async (part) => [...(await part.data())]))).toEqual([
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
      ]);
      for (const part of parts) part.dispose();
    });

    test("refuses sections that do not fill the axis", () => {
      using x = Tensor.from(device(), new Float32Array(12), [2, 6]);
      expect(() => scope(() => split(x, [1, 2], 1)[0])).toThrow("sections of [1, 2] do not fill axis 1");
      expect(() => scope(() => split(x, 5, 1)[0])).toThrow(InputError);
    });
  });
});
