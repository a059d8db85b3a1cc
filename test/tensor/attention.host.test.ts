// Ball attention, and its queries, keys and values, with sizes that are not multiples of a tile.

import { AdamW, noGrad, operators, scope, sum, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normals, permutation, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byReverse, check, given, sizeOf } from "../support/operators.ts";
import type { BallRows } from "../support/reference/reverse.ts";
import { few, normWeight, rowCounts, vector, weight } from "./inputs.ts";

onEachDevice((device, backend) => {
  const indexTensor = (index: ArrayLike<number>) => Tensor.from(device(), Uint32Array.from(index));

  describe("normPositionQkv", () => {
    test.each([
      { dimensions: 2, gather: false, widths: [1, 3, 33] },
      // And so wide that eight threads, one vec4 each, add up a row in several steps.
      { dimensions: 3, gather: true, widths: [8, 24] },
    ])("with D = $dimensions, rows picked: $gather", async ({ dimensions, gather, widths }) => {
      await fc.assert(
        fc.asyncProperty(rowCounts, fc.constantFrom(...widths), fc.nat(), async (rows, width, seed) => {
          const random = seededRandom(seed);
          const offsets = normals(rows * dimensions, random);
          const index = permutation(rows, random);
          const inputs = [
            given([rows, width], random),
            normWeight(width, random),
            weight(width, dimensions, random),
            vector(width, random),
            weight(3 * width, width, random),
            vector(3 * width, random),
          ];
          // The checkpoint's rows run over (h, e, t), the operator's columns over (t, h, e).
          const unpacked = Array.from({ length: 3 * width }, (_, c) => (c % width) * 3 + Math.floor(c / width));
          await check(
            device(),
            inputs,
            (x, norm, pWeight, pBias, qWeight, qBias) =>
              operators.normPositionQkv(
                x,
                norm,
                Tensor.from(device(), offsets, [rows, dimensions]),
                { weight: pWeight, bias: pBias },
                { weight: qWeight, bias: qBias },
                gather ? indexTensor(index) : undefined,
              ),
            byReverse(
              [
                [rows, width],
                [1, width],
                [width, dimensions],
                [1, width],
                [3 * width, width],
                [3 * width, 1],
              ],
              (r, x, norm, pWeight, pBias, qWeight, qBias) => {
                const y = r.rmsNorm(gather ? r.gather(x, index) : x, norm);
                const placed = r.add(y, r.linear(r.variable(rows, dimensions, offsets), pWeight, pBias));
                return r.linear(placed, r.gather(qWeight, unpacked), r.gather(qBias, unpacked));
              },
            ),
            random,
            `qkv of [${rows}, ${width}]`,
          );
        }),
        { ...few, examples: gather ? [[9, 304, 1] as [number, number, number]] : [] },
      );
    });
  });

  test("the result of normPositionQkv follows all that is written to its weights", async () => {
    const [rows, width, dimensions] = [7, 8, 2];
    const random = seededRandom(5);
    const make = (shape: number[]) => Tensor.from(device(), normals(sizeOf(shape), random), shape);
    const shapes = { p: [width, dimensions], pBias: [width], q: [3 * width, width], qBias: [3 * width] };
    const weights = Object.entries(shapes).map(([name, shape]) => [name, make(shape).requireGrad()] as const);
    const inputs = [make([rows, width]), make([width]), make([rows, dimensions])] as const;
    const compute = (named: Record<string, Tensor>) =>
      operators.normPositionQkv(
        ...inputs,
        { weight: named.p, bias: named.pBias },
        { weight: named.q, bias: named.qBias },
      );
    const expectCurrent = async (after: string) => {
      using result = noGrad(() => compute(Object.fromEntries(weights)));
      const copies = await Promise.all(
        weights.map(
          async ([name, tensor]) => [name, Tensor.from(device(), await tensor.data(), tensor.shape)] as const,
        ),
      );
      using expected = noGrad(() => compute(Object.fromEntries(copies)));
      expect(await result.data(), `after ${after}`).toEqual(await expected.data());
      for (const [, copy] of copies) copy.dispose();
    };
    await expectCurrent("nothing");
    for (const [name, tensor] of weights) {
      tensor.set(normals(tensor.size, random));
      await expectCurrent(`a write to ${name}`);
    }
    using optimizer = new AdamW(new Map(weights), { lr: 0.1 });
    await expectCurrent("a move into the optimiser's memory");
    const result = sum(compute(Object.fromEntries(weights)));
    await result.backward();
    result.dispose();
    optimizer.step();
    await expectCurrent("a step of the optimiser");
    optimizer.dispose();
    await expectCurrent("a move out of it");
    for (const [, tensor] of weights) tensor.dispose();
    for (const tensor of inputs) tensor.dispose();
  });

  describe("ballAttention", () => {
    const mixed = [1, 2, 7, 33, 64, 100];
    const cases = [
      { headWidth: 1, heads: 3, dimensions: 3, sizes: mixed },
      { headWidth: 3, heads: 2, dimensions: 3, sizes: mixed },
      // The scores are so far apart that exponentials of their differences overflow.
      { headWidth: 3, heads: 2, dimensions: 3, sizes: mixed, scale: 6 },
      { headWidth: 5, heads: 1, dimensions: 2, sizes: [1, 5, 32, 1] },
      { headWidth: 8, heads: 2, dimensions: 3, sizes: [256, 1, 129] },
      { headWidth: 16, heads: 1, dimensions: 3, sizes: [256, 65] },
      { headWidth: 32, heads: 2, dimensions: 2, sizes: [1, 31, 70] },
      { headWidth: 5, heads: 3, dimensions: 2, sizes: [1, 1, 1] },
      // More points than the CPU keeps all distances of.
      ...(backend === "cpu" ? [{ headWidth: 2, heads: 1, dimensions: 3, sizes: [533, 3, 500] }] : []),
    ];
    test.each(cases.map((one) => ({ scale: 1, ...one })))(
      "E = $headWidth, H = $heads, D = $dimensions, balls of $sizes, times $scale",
      async ({ headWidth, heads, dimensions, sizes, scale }) => {
        const random = seededRandom(headWidth);
        let rows = 0;
        const balls: BallRows[] = sizes.map((size) => [(rows += size) - size, size]);
        const positions = normals(rows * dimensions, random);
        const width = 3 * heads * headWidth;
        await check(
          device(),
          [given([rows, width], random, { scale }), given([1, heads, 1, 1], random, { scale: 0.3, shift: -1 })],
          (qkv, sigma) =>
            operators.ballAttention(qkv, Tensor.from(device(), positions, [rows, dimensions]), sigma, {
              tensor: indexTensor(balls.flat()),
              host: Uint32Array.from(balls.flat()),
              largest: Math.max(...sizes),
            }),
          byReverse(
            [
              [rows, width],
              [1, heads],
            ],
            (r, qkv, sigma) => r.ballAttention(qkv, r.variable(rows, dimensions, positions), sigma, balls),
          ),
          random,
        );
      },
    );

    if (backend === "cpu") {
      test("gives a point that another attends to alone the whole gradient, however large the score", async () => {
        const pairs = Array.from({ length: 16 }, (_, pair) => [2 * pair, 2]).flat();
        const places = Array.from({ length: 16 }, (_, pair) => [0, 0, 7e4 + 1234.5 * pair, 0]).flat();
        using x = Tensor.from(device(), normals(32 * 3, seededRandom(2)), [32, 3]).requireGrad();
        using out = scope(() => {
          const balls = { tensor: indexTensor(pairs), host: Uint32Array.from(pairs), largest: 2 };
          return operators.ballAttention(x, Tensor.from(device(), places, [32, 2]), Tensor.from(device(), [1]), balls);
        });
        await sum(out).backward();
        const values = (await x.grad!.data()).filter((_, i) => i % 3 === 2);
        expectClose(values, new Float32Array(32).fill(1), 1e-6, "gradient of the values");
      });
    }

    if (backend === "webgpu") {
      test("gives the same bits for any number of queries of a thread", async () => {
        const random = seededRandom(1);
        const [rows, heads, headWidth] = [128, 2, 4];
        const qkv = given([rows, 3 * heads * headWidth], random);
        const positions = normals(3 * rows, random);
        const host = Uint32Array.of(0, rows);
        const compute = async () => {
          using x = Tensor.from(device(), qkv.data, qkv.shape).requireGrad();
          using sigma = Tensor.from(device(), Float32Array.of(-1, -0.5)).requireGrad();
          using out = scope(() => {
            const balls = { tensor: indexTensor(host), host, largest: rows };
            return operators.ballAttention(x, Tensor.from(device(), positions, [rows, 3]), sigma, balls);
          });
          await sum(out).backward();
          return Promise.all([out.data(), x.grad?.data(), sigma.grad?.data()]);
        };
        // A software adapter uses as few threads as possible; a GPU uses more for so few queries.
        const info = device().info as { software: boolean };
        const software = info.software;
        try {
          info.software = true;
          const few = await compute();
          info.software = false;
          expect(await compute()).toEqual(few);
        } finally {
          info.software = software;
        }
      });
    }
  });
}, comparedBackends);
