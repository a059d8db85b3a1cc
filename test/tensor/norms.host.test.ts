// LayerNorm and BatchNorm, alone and after a linear map, with sizes that are not multiples of a tile.

import { linear, operators, reshape, scope, sum, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byReverse, check, given, runs, sizeOf, VALUE_TOLERANCE } from "../support/operators.ts";
import { normWeight, rowCounts, vector, widths } from "./inputs.ts";

onEachDevice((device) => {
  describe("layerNorm", () => {
    const run = async (rows: number, width: number, seed: number) => {
      const random = seededRandom(seed);
      await check(
        device(),
        [given([rows, width], random), given([rows, width], random), normWeight(width, random), vector(width, random)],
        (x, residual, weight, bias) => operators.layerNorm(x, residual, { weight, bias }),
        byReverse(
          [
            [rows, width],
            [rows, width],
            [1, width],
            [1, width],
          ],
          (r, x, residual, w, b) => r.add(residual, r.layerNorm(x, w, b)),
        ),
        random,
        `layerNorm of [${rows}, ${width}]`,
      );
    };

    test("of narrow rows", async () => {
      // The last ones leave each thread several elements behind the steps of four.
      const examples: [number, number, number][] = [
        [7, 21, 1],
        [7, 96, 2],
      ];
      await fc.assert(fc.asyncProperty(rowCounts, widths, fc.nat(), run), { ...runs, examples });
    });

    // Rows for several workgroups, one element or one vec4 at a time; and so many rows that a workgroup goes through several chunks.
    test.each([
      [33, 259],
      [40, 1028],
      [17_000, 3],
    ])("of [%i, %i]", (rows, width) => run(rows, width, 1));
  });

  // Rows that hold one row of the norm's, as in pooling, and several, as in unpooling.
  test.each([
    { rows: 65, inner: 17, more: 3, width: 33, times: 1, residual: false },
    { rows: 63, inner: 16, more: 6, width: 8, times: 2, residual: true },
  ])(
    "linearBatchNorm in one kernel is linear, then batchNorm: [$rows, $inner + $more] -> $times x $width",
    async ({ rows, inner, more, width, times, residual }) => {
      const random = seededRandom(width);
      const make = (...shape: number[]) => Tensor.from(device(), normals(sizeOf(shape), random), shape);
      const columns = times * width;
      const extras: operators.LinearExtras = { bias: make(columns), second: make(rows, more) };
      if (residual) extras.residual = make(rows, columns);
      const [x, map, mean, variance] = [make(rows, inner), make(columns, inner + more), make(width), make(width)];
      const norm = { weight: make(width), bias: make(width) };
      for (let time = 0; time < 2; time++) {
        variance.set(normals(width, random).map((value) => 0.5 + Math.abs(value)));
        using together = operators.linearBatchNorm(x, map, extras, norm, { mean, variance }, false);
        using apart = scope(() => {
          const y = reshape(linear(x, map, extras), [rows * times, width]);
          return operators.batchNorm(y, norm, { mean, variance }, false);
        });
        expect(together.shape).toEqual(apart.shape);
        expectClose(await together.data(), await apart.data(), VALUE_TOLERANCE, "the result");
      }
      for (const tensor of [x, map, mean, variance, ...Object.values(extras), ...Object.values(norm)]) tensor.dispose();
    },
  );

  // All vec4s, or one element at a time; and with columns for several tiles.
  test.each([
    { rows: 65, inner: 16, more: 8, width: 24 },
    { rows: 7, inner: 17, more: 3, width: 33 },
    { rows: 63, inner: 8, more: 0, width: 100 },
  ])("linearLayerNorm is linear, then layerNorm: [$rows, $inner + $more] -> $width", async (shape) => {
    const { rows, inner, more, width } = shape;
    const random = seededRandom(width);
    const make = (...shape: number[]) => Tensor.from(device(), normals(sizeOf(shape), random), shape);
    const [x, map, residual] = [make(rows, inner), make(width, inner + more), make(rows, width)];
    const extras = { bias: make(width), second: more > 0 ? make(rows, more) : undefined };
    const norm = { weight: make(width), bias: make(width) };
    using together = operators.linearLayerNorm(x, map, extras, norm, residual);
    using apart = scope(() => operators.layerNorm(linear(x, map, extras), residual, norm));
    expect(await together.data()).toEqual(await apart.data());
    // With gradients they are two records.
    map.requireGrad();
    using recorded = sum(operators.linearLayerNorm(x, map, extras, norm, residual));
    await recorded.backward();
    expect(map.grad?.shape).toEqual(map.shape);
    for (const tensor of [x, map, residual, ...Object.values(extras), ...Object.values(norm)]) tensor?.dispose();
  });

  describe("batchNorm", () => {
    // Columns that fill whole tiles of eight vec4s, in several parts of the rows; and more blocks of rows than a workgroup has lanes for,
    // and than a lane takes at a time.
    const examples: [number, number, number][] = [
      [600, 32, 1],
      [70_001, 3, 2],
    ];
    test.each([true, false])("with training = %s", async (training) => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(1, 2, 65, 257, 700), widths, fc.nat(), async (rows, width, seed) => {
          const random = seededRandom(seed);
          const running = {
            mean: normals(width, random),
            variance: normals(width, random).map((value) => 0.5 + Math.abs(value)),
          };
          const mean = Tensor.from(device(), running.mean);
          const variance = Tensor.from(device(), running.variance);
          const statistics = {
            mean: Float64Array.from(running.mean),
            variance: Float64Array.from(running.variance),
          };
          const x = given([rows, width], random, { scale: 0.7, shift: 3 });
          await check(
            device(),
            [x, normWeight(width, random), vector(width, random)],
            (x, weight, bias) => {
              mean.set(running.mean);
              variance.set(running.variance);
              return operators.batchNorm(x, { weight, bias }, { mean, variance }, training);
            },
            byReverse(
              [
                [rows, width],
                [1, width],
                [1, width],
              ],
              (r, x, w, b) => r.batchNorm(x, w, b, training ? undefined : statistics),
            ),
            random,
            `batchNorm of [${rows}, ${width}]`,
          );
          const after = { mean: await mean.data(), variance: await variance.data() };
          mean.dispose();
          variance.dispose();
          if (!training) {
            expect(after).toEqual(running);
            return;
          }
          for (let c = 0; c < width; c++) {
            const column = Array.from({ length: rows }, (_, i) => x.data[i * width + c]);
            const centre = column.reduce((a, b) => a + b) / rows;
            const squares = column.reduce((sum, value) => sum + (value - centre) ** 2, 0);
            statistics.mean[c] = 0.9 * statistics.mean[c] + 0.1 * centre;
            // The unbiased variance of one row is not defined; it is taken as 0.
            statistics.variance[c] = 0.9 * statistics.variance[c] + (0.1 * squares) / Math.max(rows - 1, 1);
          }
          expectClose(after.mean, statistics.mean, 1e-5, "running mean");
          expectClose(after.variance, statistics.variance, 1e-5, "running variance");
        }),
        { ...runs, examples },
      );
    });

    test("a column that is not finite leaves its running statistics as they were", async () => {
      const row = (value: number) => Tensor.from(device(), new Float32Array(5).fill(value));
      using x = Tensor.from(device(), [1, Number.NaN, 3, Number.POSITIVE_INFINITY, 5, 2, 2, 2, 2, 7], [2, 5]);
      const norm = { weight: row(1), bias: row(0) };
      const running = { mean: row(0), variance: row(1) };
      operators.batchNorm(x, norm, running, true).dispose();
      expectClose(await running.mean.data(), [0.15, 0, 0.25, 0, 0.6], 1e-6, "running mean");
      expectClose(await running.variance.data(), [0.95, 1, 0.95, 1, 1.1], 1e-6, "running variance");
      for (const tensor of [...Object.values(norm), ...Object.values(running)]) tensor.dispose();
    });
  });
}, comparedBackends);
