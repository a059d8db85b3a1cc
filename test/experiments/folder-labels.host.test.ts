// Segmentation on files of one's own: labels that do not count, and weights of classes. Losses and gradients are PyTorch's
// (folder/labels/make.py).

import { scale, Tensor } from "erwin";
import { folderExperiment, MemorySource, resolveOptions } from "erwin/experiments";
import { saveNpz } from "erwin/formats";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { onEachDevice } from "../support/models.ts";
import expected from "./folder/labels/expected.json" with { type: "json" };

const points = expected.labels.length;
const positions = Float32Array.from({ length: 3 * points }, (_, i) => Math.sin(i * i));
const source = (labels: readonly (readonly number[])[]) =>
  new MemorySource(
    new Map(
      labels.map((values, i) => [
        `s${i}.npz`,
        saveNpz({
          positions: { shape: [points, 3], data: positions },
          kind: { shape: [points], data: Int32Array.from(values) },
        }),
      ]),
    ),
    "data",
  );
const configOf = (kind: object) => ({ targets: { kind: { classes: 3, ...kind } }, splits: { train: ["*"] } });
const unlabelled = expected.labels.map(() => -1);

onEachDevice((device) => {
  /** A model's task, with given numbers as its output. */
  const taskOf = async (
    kind: object,
    labels: readonly (readonly number[])[],
    logits: Tensor,
    clouds = labels.map((_, i) => i),
  ) => {
    const experiment = folderExperiment(configOf(kind));
    const data = await experiment.load("train", resolveOptions(experiment.options), source(labels));
    const forward = async () => scale(logits, 1);
    const model = { device: device(), passesMessages: false, prepare: async () => ({}), forward };
    const task = experiment.task(model as never, undefined as never);
    return { task, batch: await task.prepare(await Promise.all(clouds.map((i) => data!.load(i, undefined as never)))) };
  };
  const tensorOf = (clouds: number) =>
    Tensor.from(device(), Float32Array.from(Array(clouds).fill(expected.logits).flat()), [clouds * points, 3]);

  test.each([
    ["equal", { ignore: -1 }],
    ["given", { ignore: [-1], class_weights: [1, 2, 0.25] }],
    ["balanced", { ignore: -1, class_weights: "balanced" }],
  ] as const)(
    "the loss with %s weights is PyTorch's, as are its gradients and what is reported",
    async (name, kind) => {
      const wanted = expected.losses[name];
      using logits = tensorOf(1).requireGrad();
      const { task, batch } = await taskOf(kind, [expected.labels], logits);
      using loss = await task.loss(batch);
      await loss.backward();
      expectClose(await loss.data(), [wanted.loss], 1e-5, "loss");
      expectClose(await logits.grad!.data(), wanted.gradient, 1e-5, "gradient");
      const { batch: numbers } = await task.details!(batch);
      expect(numbers.loss).toBeCloseTo(wanted.loss, 5);
      const guesses = expected.labels.map((_, p) => {
        const row = expected.logits.slice(3 * p, 3 * p + 3);
        return row.indexOf(Math.max(...row));
      });
      const pairs = expected.labels.flatMap((label, p) => (label < 0 ? [] : [[label, guesses[p]]]));
      const metrics = task.summarise!(numbers as Record<string, number>);
      expect(metrics.accuracy_kind).toBeCloseTo(pairs.filter(([label, guess]) => label === guess).length / 5, 12);
      for (const k of [0, 1, 2]) {
        const both = pairs.filter((pair) => pair.every((one) => one === k)).length;
        const either = pairs.filter((pair) => pair.includes(k)).length;
        expect(metrics[`iou_kind_${k}`]).toBeCloseTo(both / either, 12);
      }
    },
  );

  test("a sample of which no label counts changes neither the loss nor the metrics, and alone has the loss 0", async () => {
    const kind = { ignore: -1 };
    using one = tensorOf(1).requireGrad();
    using two = tensorOf(2).requireGrad();
    const alone = await taskOf(kind, [expected.labels], one);
    const both = await taskOf(kind, [expected.labels, unlabelled], two);
    using loss = await both.task.loss(both.batch);
    expectClose(await loss.data(), [expected.losses.equal.loss], 1e-5, "loss");
    const metricsOf = async ({ task, batch }: typeof alone) => {
      const { loss, ...others } = task.summarise!((await task.details!(batch)).batch as Record<string, number>);
      return others;
    };
    expect(await metricsOf(both)).toEqual(await metricsOf(alone));
    using single = tensorOf(1).requireGrad();
    const none = await taskOf(kind, [expected.labels, unlabelled], single, [1]);
    using nothing = await none.task.loss(none.batch);
    await nothing.backward();
    expect([...(await nothing.data()), ...(await single.grad!.data())].every((value) => value === 0)).toBe(true);
    expect(await metricsOf(none)).toEqual({});
  });
});

test("of an input's label that does not count the model sees no class, and a config of another kind is refused", async () => {
  const sees = async (options: object) => {
    const given = { inputs: { kind: { classes: 3, ...options } }, targets: ["height"], splits: { train: ["*"] } };
    const height = { shape: [4], data: Float32Array.of(1, 2, 3, 4) };
    const kind = { shape: [4], data: Int32Array.of(2, -1, 0, 255) };
    const bytes = saveNpz({ positions: { shape: [4, 3], data: positions.slice(0, 12) }, kind, height });
    const experiment = folderExperiment(given);
    const files = new MemorySource(new Map([["a.npz", bytes]]), "data");
    const data = await experiment.load("train", resolveOptions(experiment.options), files);
    return [...(await data!.load(0, undefined as never)).features];
  };
  expect(await sees({ ignore: [-1, 255] })).toEqual([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  await expect(sees({ ignore: 255 })).rejects.toThrow(
    /row 1: is -1, .* from 0 to 2; ignore: -1 leaves such labels out/,
  );
  await expect(sees({ ignore: [-1, 0, 2, 255] })).rejects.toThrow(/no label of "kind" in the training split counts/);
  expect(() => folderExperiment({ inputs: { height: { ignore: -1 } }, targets: ["kind"] })).toThrow(
    /^inputs\.height\.ignore is of classes: say how many there are, classes: N$/,
  );
});

test("labels that do not count are said to be left out, where they are found and where there are no others", async () => {
  const refuse = async (kind: object, labels: readonly (readonly number[])[]) => {
    const experiment = folderExperiment(configOf(kind));
    return await experiment.load("train", resolveOptions(experiment.options), source(labels)).then(
      () => "",
      (error: Error) => error.message,
    );
  };
  expect(await refuse({}, [expected.labels])).toMatch(
    /s0\.npz: array "kind", row 2: is -1, expected a class from 0 to 2; ignore: -1 leaves such labels out\.$/,
  );
  expect(await refuse({ ignore: [-1, 255] }, [unlabelled])).toMatch(
    /no label of "kind" in the training split counts: all are -1 or 255/,
  );
});
