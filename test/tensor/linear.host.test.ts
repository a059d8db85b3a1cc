// The linear map, with sizes that are not multiples of a tile.

import { linear, type operators, Tensor } from "erwin";
import fc from "fast-check";
import { describe, test } from "vitest";
import { permutation, seededRandom } from "../support/clouds.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byReverse, check, type Given, given } from "../support/operators.ts";
import { few, rowCounts, vector, weight } from "./inputs.ts";

onEachDevice((device) => {
  const indexTensor = (index: ArrayLike<number>) => Tensor.from(device(), Uint32Array.from(index));

  describe("linear", () => {
    // The widths determine the variant of a product; not every kind needs every variant.
    test.each([
      { kind: "", inners: [1, 3, 17], columnCounts: [1, 5] },
      { kind: "bias second", inners: [3, 17], columnCounts: [33, 130] },
      { kind: "bias residual scatter", inners: [64, 70], columnCounts: [47, 64] },
      { kind: "bias second residual", inners: [5, 32], columnCounts: [8, 32] },
      // All widths are multiples of 4: memory is read and written one vec4 at a time.
      { kind: "bias second of vec4s scatter", inners: [4, 20], columnCounts: [36, 100] },
    ])("x W^T $kind", async ({ kind, ...sizes }) => {
      const has = (name: string) => kind.includes(name);
      const inners = fc.constantFrom(...sizes.inners);
      const columnCounts = fc.constantFrom(...sizes.columnCounts);
      await fc.assert(
        fc.asyncProperty(rowCounts, inners, columnCounts, fc.nat(), async (rows, inner, columns, seed) => {
          const random = seededRandom(seed);
          const more = has("vec4s") ? 4 * (1 + (seed % 5)) : has("second") ? 1 + (seed % 9) : 0;
          const index = permutation(rows, random);
          const inputs = [given([rows, inner], random), weight(columns, inner + more, random)];
          const shapes: [number, number][] = [
            [rows, inner],
            [columns, inner + more],
          ];
          const names: string[] = [];
          const extra = (name: string, input: Given, shape: [number, number]) => {
            if (!has(name)) return;
            names.push(name);
            inputs.push(input);
            shapes.push(shape);
          };
          extra("bias", vector(columns, random), [1, columns]);
          extra("second", given([rows, more], random), [rows, more]);
          extra("residual", given([rows, columns], random), [rows, columns]);
          const named = <Value>(values: Value[]) => Object.fromEntries(names.map((name, i) => [name, values[i]]));
          await check(
            device(),
            inputs,
            (x, w, ...rest) => {
              const extras: operators.LinearExtras = named(rest);
              return linear(x, w, has("scatter") ? { ...extras, scatter: indexTensor(index) } : extras);
            },
            byReverse(shapes, (r, x, w, ...rest) => {
              const { bias, second, residual } = named(rest);
              let y = r.linear(second ? r.concatenate(x, second) : x, w, bias);
              if (has("scatter")) y = r.scatter(y, index);
              return residual ? r.add(y, residual) : y;
            }),
            random,
            `linear ${kind} [${rows}, ${inner} + ${more}] -> ${columns}`,
          );
        }),
        few,
      );
    });
  });
}, comparedBackends);
