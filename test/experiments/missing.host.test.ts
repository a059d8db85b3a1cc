// Values that nobody has measured, in targets of one's own files: losses and gradients are those of the other values alone
// (folder/missing/make.py), as are metrics and statistics.

import { scale, Tensor } from "erwin";
import { folderExperiment, MemorySource, resolveOptions } from "erwin/experiments";
import { saveNpz } from "erwin/formats";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { onEachDevice } from "../support/models.ts";
import expected from "./folder/missing/expected.json" with { type: "json" };

const { sizes, output } = expected;
const truth = expected.truth.map((value) => value ?? Number.NaN);
const starts = sizes.map((_, cloud) => sizes.slice(0, cloud).reduce((sum, size) => sum + size, 0));

/** @param values [9, 2] those of all clouds; the mean of what is known of a cloud's first component is its drag */
const source = (values: readonly number[] = truth, drags: readonly number[] = [1, 2, Number.NaN]) =>
  new MemorySource(
    new Map(
      sizes.map((points, i) => [
        `s${i}.npz`,
        saveNpz({
          positions: { shape: [points, 3], data: Float32Array.from({ length: 3 * points }, (_, j) => Math.sin(j * j)) },
          u: {
            shape: [points, 2],
            data: Float32Array.from(values.slice(2 * starts[i], 2 * (starts[i] + points))),
          },
          drag: { shape: [], data: Float32Array.of(drags[i]) },
        }),
      ]),
    ),
    "data",
  );

async function load(target: object, files = source()) {
  const experiment = folderExperiment({ targets: target, splits: { train: ["*"] } });
  const data = await experiment.load("train", resolveOptions(experiment.options), files);
  return { experiment, data: data! };
}

onEachDevice((device) => {
  /** A model's task on some clouds, with given numbers as its output. */
  const taskOf = async (target: object, rows: Tensor, clouds: readonly number[] = [0, 1, 2], files = source()) => {
    const { experiment, data } = await load(target, files);
    const forward = async () => scale(rows, 1);
    const model = { device: device(), passesMessages: false, prepare: async () => ({}), forward };
    const task = experiment.task(model as never, undefined as never);
    return { task, batch: await task.prepare(await Promise.all(clouds.map((i) => data.load(i, undefined as never)))) };
  };
  const rowsOf = (values: readonly number[], width: number) =>
    Tensor.from(device(), Float32Array.from(values), [values.length / width, width]).requireGrad();
  const firstTwo = output.filter((_, i) => i % 4 < 2);

  test.each(["mse", "gaussian", "relative_l2"] as const)(
    "the loss %s is that of the measured values, and the gradients of the others are zero",
    async (loss) => {
      const wanted = expected.losses[loss];
      const width = loss === "gaussian" ? 4 : 2;
      const ofWidth = (values: readonly number[]) => values.filter((_, i) => i % 4 < width);
      using rows = rowsOf(ofWidth(output), width);
      const { task, batch } = await taskOf({ u: { missing: "nan", loss, normalise: "none" } }, rows);
      using found = await task.loss(batch);
      await found.backward();
      expectClose(await found.data(), [wanted.loss], 1e-5, "loss");
      const gradient = await rows.grad!.data();
      expectClose(gradient, ofWidth(wanted.gradient), 1e-5, "gradient");
      const isMissing = (i: number) => Number.isNaN(truth[2 * Math.floor(i / width) + (i % 2)]);
      expect([...gradient].every((value, i) => value === 0 || !isMissing(i))).toBe(true);
      expect(gradient.filter((_, i) => !isMissing(i)).every((value) => value !== 0)).toBe(true);
    },
  );

  test.each(["mse", "gaussian", "relative_l2"] as const)(
    "the loss %s that is trained is the one that is reported, and is zero where nothing is measured",
    async (loss) => {
      const of = async (cloud: number) => {
        const own = output.slice(4 * starts[cloud], 4 * (starts[cloud] + sizes[cloud]));
        const width = loss === "gaussian" ? 4 : 2;
        using rows = rowsOf(
          own.filter((_, i) => i % 4 < width),
          width,
        );
        const { task, batch } = await taskOf({ u: { missing: "nan", loss } }, rows, [cloud]);
        using found = await task.loss(batch);
        await found.backward();
        const { batch: numbers } = await task.details!(batch);
        return { found: await found.item(), told: numbers.loss as number, gradient: await rows.grad!.data() };
      };
      const some = await of(0);
      expectClose([some.told], [some.found], 1e-5, "loss");
      const none = await of(2);
      expect(none).toEqual({ found: 0, told: 0, gradient: new Float32Array(none.gradient.length) });
    },
  );

  test("of values of the whole, too: samples without one have no share", async () => {
    using rows = rowsOf(
      Array.from({ length: 9 }, (_, i) => 2 * i),
      1,
    );
    const { task, batch } = await taskOf({ drag: { whole: true, missing: "nan", normalise: "none" } }, rows);
    using found = await task.loss(batch);
    await found.backward();
    // The clouds' first rows are 0, 8 and 14.
    expectClose([await found.item()], [(1 + 36) / 2], 1e-6, "loss");
    expectClose(await rows.grad!.data(), [-1, 0, 0, 0, 6, 0, 0, 0, 0], 1e-6, "gradient");
  });

  test("metrics are those of the measured values, and samples without any have no share in them", async () => {
    using rows = rowsOf(firstTwo, 2);
    const { task, batch } = await taskOf({ u: { missing: "nan" } }, rows);
    const { batch: numbers, samples } = await task.details!(batch);
    const found = task.summarise!(numbers as Record<string, number>);
    const { mean = [], deviation = [] } = (await load({ u: { missing: "nan" } })).experiment.fields!.targets[0];
    const predicted = firstTwo.map((value, i) => value * deviation[i % 2] + mean[i % 2]);
    const known = [0, 1].map((cloud) =>
      truth.flatMap((value, i) => {
        const isOfCloud = i >= 2 * starts[cloud] && i < 2 * starts[cloud + 1];
        return isOfCloud && !Number.isNaN(value) ? [{ value, error: predicted[i] - value, column: i % 2 }] : [];
      }),
    );
    const over = (of: (one: (typeof known)[0][0]) => number) =>
      known.reduce((sum, all) => sum + all.reduce((total, one) => total + of(one), 0) / all.length / 2, 0);
    const squares = over(({ error }) => error ** 2);
    const means = [0, 1].map(
      (column) => over((one) => (one.column === column ? one.value : 0)) / over((one) => Number(one.column === column)),
    );
    expect(found.mae_u).toBeCloseTo(
      over(({ error }) => Math.abs(error)),
      5,
    );
    expect(found.rmse_u).toBeCloseTo(Math.sqrt(squares), 5);
    expect(found.r2_u).toBeCloseTo(1 - squares / over(({ value, column }) => (value - means[column]) ** 2), 4);
    const norm = (all: (typeof known)[0], of: (one: (typeof known)[0][0]) => number) =>
      Math.hypot(...all.map((one) => of(one)));
    const relative = known.map((all) => norm(all, ({ error }) => error) / norm(all, ({ value }) => value));
    expect(found.relative_l2_u).toBeCloseTo((relative[0] + relative[1]) / 2, 5);
    expect(task.summarise!(samples[2] as Record<string, number>)).toEqual({ loss: 0 });
  });
});

onEachDevice((device) => {
  test("a rollout goes on from what is known, and its error is of that alone", async () => {
    const nan = Number.NaN;
    // At the second point nothing is known of the first frame, at the third of the last.
    const frames = [
      [1, nan, 3, 4],
      [2, 5, 7, 9],
      [4, 6, nan, 16],
    ];
    const files = frames.map((values, i): [string, Uint8Array<ArrayBuffer>] => [
      `run_${i}.npz`,
      saveNpz({
        positions: { shape: [4, 2], data: Float32Array.of(0, 0, 1, 0, 0, 1, 1, 1) },
        u: { shape: [4], data: Float64Array.from(values) },
      }),
    ]);
    const given = { targets: { u: { missing: "nan" } }, sequence: { rollout: 2 }, graph: "none" };
    const experiment = folderExperiment({ ...given, splits: { train: ["*"] } });
    const options = resolveOptions(experiment.options) as never;
    const data = (await experiment.load("train", options, new MemorySource(new Map(files), "data")))!;
    const { shift, scale } = experiment.layout.targets[0].scaling;
    // Predicts that each value grows by 2, whatever it sees, which has to be finite.
    const model = {
      device: device(),
      passesMessages: false,
      prepare: async ({ features }: { features: Float32Array }) => features,
      forward: async (features: Float32Array) => {
        expect(features.every(Number.isFinite)).toBe(true);
        return Tensor.from(device(), new Float32Array(4).fill((2 - shift[0]) / scale[0]), [4, 1]);
      },
    };
    const { curves } = (await experiment.rollout!(model as never, data as never, options)) as never as {
      curves: Record<string, number[]>;
    };
    // Predicted are 3, 5 and 6 of 2, 7 and 9, and then 5 and 8 of 4 and 16.
    expectClose(curves.rmse_u, [Math.sqrt((1 + 4 + 9) / 3), Math.sqrt((1 + 64) / 2)], 1e-5, "errors");
    expectClose(curves.persistence_u, [Math.sqrt((1 + 16 + 25) / 3), Math.sqrt((9 + 144) / 2)], 1e-5, "persistence");
    async function* samples() {
      yield (await data.load(0, undefined as never)).pair.sample;
      const { pair } = await data.load(1, undefined as never);
      yield pair.sample;
      yield pair.next!;
    }
    const found: number[][] = [];
    for await (const [{ prediction }] of experiment.rollOut(model as never, samples())) found.push([...prediction]);
    expect(found[0]).toEqual(frames[0]);
    expect(found.map(([_, unknown]) => unknown)).toEqual([nan, nan, nan]);
    expectClose(
      found[2].filter((_, i) => i !== 1),
      [5, 7, 8],
      1e-5,
      "predicted",
    );
  });
});

test("statistics are those of the measured values, and training tells how many are missing", async () => {
  const { experiment, data } = await load(
    { u: { missing: [-9999, "nan"] } },
    source(truth.map((value, i) => (i === 1 ? -9999 : value))),
  );
  const columns = [0, 1].map((column) => truth.filter((value, i) => i % 2 === column && !Number.isNaN(value)));
  const means = columns.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const deviations = columns.map((values, column) =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - means[column]) ** 2, 0) / values.length),
  );
  const [{ mean, deviation }] = experiment.fields!.targets;
  expectClose(mean!, means, 1e-6, "mean");
  expectClose(deviation!, deviations, 1e-6, "deviation");
  expect(data.note).toBe('9 of the 18 values of "u" in the split train are missing (50 %), and left out');
});

test("what is not measured is an error unless it is asked for, as are infinite values and a target without any value", async () => {
  const refuse = async (target: object, values: readonly number[]) =>
    load({ u: target }, source(values)).then(
      () => "",
      (error: Error) => error.message,
    );
  expect(await refuse({}, truth)).toMatch(
    /s0\.npz: array "u", row 0: is NaN, expected finite numbers; missing: nan leaves such values out\.$/,
  );
  expect(await refuse({ missing: -9999 }, truth)).toMatch(/row 0: is NaN/);
  expect(
    await refuse(
      { missing: "nan" },
      truth.map((value, i) => (i === 4 ? Number.POSITIVE_INFINITY : value)),
    ),
  ).toMatch(/s0\.npz: array "u", row 2: is Infinity, expected finite numbers\.$/);
  expect(
    await refuse(
      { missing: ["nan", 0] },
      truth.map((value, i) => (i % 2 === 1 ? Number.NaN : value)),
    ),
  ).toMatch(/^no value of component 1 of "u" in the training split is measured: all are nan or 0$/);
});
