// The fused operators of the model's layers: each on its own, with sizes that are not multiples of a tile.

import { AdamW, ErwinError, linear, noGrad, operators, reshape, scope, sum, Tensor } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normals, permutation, type Random, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import {
  byDifferences,
  byReverse,
  check,
  type Given,
  given,
  runs,
  sizeOf,
  VALUE_TOLERANCE,
} from "../support/operators.ts";
import type { BallRows } from "../support/reference/reverse.ts";

const few = { ...runs, numRuns: 3 };
/** Sizes near those of the kernels' tiles, and 1. */
const rowCounts = fc.constantFrom(1, 7, 63, 65, 130, 257);
const widths = fc.constantFrom(1, 3, 8, 24, 33);

/** A weight whose products stay around 1. */
const weight = (rows: number, cols: number, random: Random): Given =>
  given([rows, cols], random, { scale: 1 / Math.sqrt(cols) });
const vector = (size: number, random: Random): Given => given([size], random, { scale: 0.3 });
const normWeight = (size: number, random: Random): Given => given([size], random, { scale: 0.3, shift: 1 });

onEachDevice((device, backend) => {
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

  describe("normPositionQkv", () => {
    test.each([
      { dimensions: 2, gather: false, widths: [1, 3, 33] },
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
        few,
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
      ...(backend === "cpu" ? [{ headWidth: 2, heads: 1, dimensions: 3, sizes: [533, 3] }] : []),
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

  /** x, norm, and weight and bias of gate, value and output. */
  const feedForwardInputs = (rows: number, width: number, hidden: number, random: () => number) => [
    given([rows, width], random),
    normWeight(width, random),
    weight(hidden, width, random),
    vector(hidden, random),
    weight(hidden, width, random),
    vector(hidden, random),
    weight(width, hidden, random),
    vector(width, random),
  ];

  if (backend === "cpu") {
    test("feedForward: kept for the backward pass or computed again, gate and value give the same bits", async () => {
      const [rows, width, hidden] = [131, 24, 54];
      const random = seededRandom(5);
      const inputs = feedForwardInputs(rows, width, hidden, random);
      const { keepsGates } = device().operators;
      const compute = async (kept: boolean) => {
        let asked = 0;
        device().operators.keepsGates = (...size) => {
          asked++;
          return keepsGates(...size) && kept;
        };
        const tensors = inputs.map(({ data, shape }) => Tensor.from(device(), data, shape).requireGrad());
        const [x, norm, w1, b1, w2, b2, w3, b3] = tensors;
        const [gate, value, output] = [
          { weight: w1, bias: b1 },
          { weight: w2, bias: b2 },
          { weight: w3, bias: b3 },
        ];
        const before = device().memory.current;
        const y = operators.feedForward(x, norm, gate, value, output);
        const bytes = device().memory.current - before;
        await sum(y).backward();
        const results = await Promise.all([y, ...tensors.map(({ grad }) => grad!)].map((tensor) => tensor.data()));
        for (const tensor of [y, ...tensors]) tensor.dispose();
        expect(asked).toBe(1);
        return { bytes, results };
      };
      try {
        const kept = await compute(true);
        const again = await compute(false);
        expect(kept.results).toEqual(again.results);
        expect(kept.bytes - again.bytes).toBe(2 * rows * hidden * 4);
      } finally {
        device().operators.keepsGates = keepsGates;
      }
    });
  }

  test("feedForward", async () => {
    await fc.assert(
      fc.asyncProperty(rowCounts, widths, fc.constantFrom(1, 2, 4), fc.nat(), async (rows, width, ratio, seed) => {
        const random = seededRandom(seed);
        const hidden = width * ratio;
        const shapes: [number, number][] = [
          [rows, width],
          [1, width],
          [hidden, width],
          [1, hidden],
          [hidden, width],
          [1, hidden],
          [width, hidden],
          [1, width],
        ];
        const inputs = feedForwardInputs(rows, width, hidden, random);
        await check(
          device(),
          inputs,
          (x, norm, w1, b1, w2, b2, w3, b3) =>
            operators.feedForward(
              x,
              norm,
              { weight: w1, bias: b1 },
              { weight: w2, bias: b2 },
              { weight: w3, bias: b3 },
            ),
          byReverse(shapes, (r, x, norm, w1, b1, w2, b2, w3, b3) => {
            const y = r.rmsNorm(x, norm);
            const gated = r.multiply(r.linear(y, w2, b2), r.silu(r.linear(y, w1, b1)));
            return r.add(x, r.linear(gated, w3, b3));
          }),
          random,
          `feedForward of [${rows}, ${width}], ratio ${ratio}`,
        );
      }),
      runs,
    );
  });

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
      await fc.assert(fc.asyncProperty(rowCounts, widths, fc.nat(), run), runs);
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
        runs,
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

  test("gatherRows", async () => {
    await fc.assert(
      fc.asyncProperty(rowCounts, rowCounts, widths, fc.nat(), async (sources, rows, width, seed) => {
        const random = seededRandom(seed);
        const index = Int32Array.from({ length: rows }, () => Math.floor(random() * sources));
        await check(
          device(),
          [given([sources, width], random)],
          (x) => operators.gatherRows(x, { tensor: indexTensor(index), host: index }),
          byReverse([[sources, width]], (r, x) => r.gather(x, index)),
          random,
          `${rows} of ${sources} rows of ${width}`,
        );
      }),
      runs,
    );
  });

  test("reshape", async () => {
    const random = seededRandom(1);
    const same = byDifferences((x) => x);
    expect(await check(device(), [given([6, 5], random)], (x) => reshape(x, [3, 2, 5]), same, random)).toEqual([
      3, 2, 5,
    ]);
    using x = Tensor.from(device(), new Float32Array(6));
    expect(() => reshape(x, [4])).toThrow("a tensor of shape [6] cannot take the shape [4]");
    const rest = (shape: number[]) => {
      using y = reshape(x, shape);
      return y.shape;
    };
    expect([rest([-1]), rest([2, -1]), rest([3, -1, 1])]).toEqual([[6], [2, 3], [3, 2, 1]]);
    for (const shape of [
      [4, -1],
      [-1, -1],
      [0, -1],
    ]) {
      expect(() => reshape(x, shape), `${shape}`).toThrow("shape");
    }
  });

  describe("what an operator cannot read is refused by name, before memory is taken", () => {
    /** The operands' shapes by name, for `rows` rows, and the operator on them. */
    type Operands = Record<string, Tensor>;
    const cases: Record<string, [(rows: number) => Record<string, number[]>, (t: Operands) => Tensor]> = {
      linear: [
        (n) => ({ x: [n, 4], weight: [5, 4], bias: [5], residual: [n, 5] }),
        ({ x, weight, bias, residual }) => linear(x, weight, { bias, residual }),
      ],
      layerNorm: [
        (n) => ({ x: [n, 4], residual: [n, 4], weight: [4], bias: [4] }),
        ({ x, residual, weight, bias }) => operators.layerNorm(x, residual, { weight, bias }),
      ],
      batchNorm: [
        (n) => ({ x: [n, 4], weight: [4], bias: [4], mean: [4], variance: [4] }),
        ({ x, weight, bias, mean, variance }) => operators.batchNorm(x, { weight, bias }, { mean, variance }, false),
      ],
      feedForward: [
        (n) => ({ x: [n, 4], norm: [4], w1: [8, 4], b1: [8], w2: [8, 4], b2: [8], w3: [4, 8], b3: [4] }),
        ({ x, norm, w1, b1, w2, b2, w3, b3 }) =>
          operators.feedForward(x, norm, { weight: w1, bias: b1 }, { weight: w2, bias: b2 }, { weight: w3, bias: b3 }),
      ],
      normPositionQkv: [
        (n) => ({ x: [n, 4], norm: [4], offsets: [n, 2], w1: [4, 2], b1: [4], w2: [12, 4], b2: [12] }),
        ({ x, norm, offsets, w1, b1, w2, b2 }) =>
          operators.normPositionQkv(x, norm, offsets, { weight: w1, bias: b1 }, { weight: w2, bias: b2 }),
      ],
      cloudSums: [(n) => ({ x: [n, 4] }), ({ x }) => operators.cloudSums(x, [0, x.shape[0]])],
      add: [(n) => ({ a: [n, 4], b: [4] }), ({ a, b }) => operators.add(a, b)],
      gelu: [(n) => ({ x: [n, 4] }), ({ x }) => operators.gelu(x)],
    };
    const filled = (shape: number[]) => Tensor.from(device(), new Float32Array(sizeOf(shape)).fill(0.5), shape);
    const wrong: Record<string, (shape: number[]) => Tensor> = {
      indices: (shape) => Tensor.from(device(), new Int32Array(sizeOf(shape)), shape),
      disposed: (shape) => {
        const tensor = filled(shape);
        tensor.dispose();
        return tensor;
      },
      "an axis more": (shape) => filled([...shape, 1]),
    };

    test.each(Object.entries(cases))("%s", (name, [shapesFor, run]) => {
      const before = device().memory.current;
      const shapes = Object.entries(shapesFor(3));
      for (const [operand] of shapes) {
        for (const [kind, spoil] of Object.entries(wrong)) {
          // Elementwise operators take any shape.
          if (kind === "an axis more" && (name === "add" || name === "gelu")) continue;
          const given = shapes.map(
            ([other, shape]) => [other, other === operand ? spoil(shape) : filled(shape)] as const,
          );
          expect(() => run(Object.fromEntries(given)), `${operand}: ${kind}`).toThrow(ErwinError);
          for (const [, tensor] of given) tensor.dispose();
          expect(device().memory.current, `memory after ${operand}: ${kind}`).toBe(before);
        }
      }
    });

    test("a head that is too wide for a GPU's workgroups", () => {
      const attend = () => {
        const balls = { tensor: indexTensor([0, 4]), host: Uint32Array.of(0, 4), largest: 4 };
        return operators.ballAttention(filled([4, 3 * 504]), filled([4, 2]), filled([1]), balls);
      };
      const before = device().memory.current;
      const run = () => scope(() => void attend().dispose());
      if (backend === "cpu") expect(run).not.toThrow();
      else expect(run).toThrow("heads of at most 500 channels, not 504");
      expect(device().memory.current).toBe(before);
    });

    test("points of more than three dimensions", () => {
      const before = device().memory.current;
      scope(() => {
        const [points, square, wide, channels] = [filled([4, 4]), filled([4, 4]), filled([12, 4]), filled([4])];
        const balls = { tensor: indexTensor([0, 4]), host: Uint32Array.of(0, 4), largest: 4 };
        const norm = { weight: channels, bias: channels };
        const projection = { weight: wide, bias: filled([12]) };
        const calls = {
          normPositionQkv: () => operators.normPositionQkv(square, channels, points, norm, projection),
          ballAttention: () => operators.ballAttention(filled([4, 12]), points, filled([2]), balls),
          messageMean: () => operators.messageMean(square, points, [], { weight: wide, bias: channels }, norm),
          placeLevel: () => operators.placeLevel(points, { stride: 1 }, balls),
        };
        for (const [name, call] of Object.entries(calls)) {
          expect(call, name).toThrow("has the shape [4,4], but points of 1 to 3 dimensions are needed here");
        }
        return undefined;
      });
      expect(device().memory.current).toBe(before);
    });

    test.each(Object.entries(cases).filter(([name]) => name !== "cloudSums"))(
      "%s of no rows has no elements, and the gradient 0",
      async (_, [shapesFor, run]) => {
        const given = Object.entries(shapesFor(0)).map(([name, shape]) => [name, filled(shape).requireGrad()] as const);
        using result = run(Object.fromEntries(given));
        expect(await result.data()).toHaveLength(0);
        using total = sum(result);
        await total.backward();
        for (const [name, tensor] of given) {
          if (tensor.grad) expect(await tensor.grad.data(), name).toEqual(new Float32Array(tensor.size));
          tensor.dispose();
        }
        expect(given.some(([name]) => name === "x" || name === "a")).toBe(true);
      },
    );
  });
}, comparedBackends);
