// Sequences of which the model sees several frames: the targets' changes before its frame are inputs, in training and in rollouts,
// in which predictions take the place of the frames they predict.

import { Tensor } from "erwin";
import { folderExperiment, MemorySource, resolveOptions } from "erwin/experiments";
import { saveNpz } from "erwin/formats";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { onEachDevice } from "../support/models.ts";

const points = 5;
const frames = 9;
/** At each point two numbers, which change at a speed that grows. */
const valueOf = (frame: number, i: number) => 3 * Math.sin(i * i) + frame * (1 + i) + ((i % 3) - 1) * frame * frame;
const file = (frame: number) =>
  saveNpz({
    positions: { shape: [points, 3], data: Float32Array.from({ length: 3 * points }, (_, i) => Math.cos(i * i)) },
    u: { shape: [points, 2], data: Float64Array.from({ length: 2 * points }, (_, i) => valueOf(frame, i)) },
  });
const source = new MemorySource(new Map(Array.from({ length: frames }, (_, t) => [`run_${t}.npz`, file(t)])), "data");
const configOf = (sequence: object, more: object = {}) => ({
  targets: ["u"],
  sequence,
  splits: { train: ["*"], test: ["*"] },
  graph: "none",
  ...more,
});
async function open(given: object) {
  const experiment = folderExperiment(given);
  const options = resolveOptions(experiment.options);
  const data = await experiment.load("train", options, source);
  return { experiment, options, data: data!, layout: experiment.layout };
}

test("the model sees the changes of the targets between earlier frames, the latest first", async () => {
  const { data, layout } = await open(configOf({ stride: 2, history: 2 }));
  // The first frame with two earlier ones is 4, the last with a next one is 6.
  expect(Array.from({ length: data.size }, (_, i) => data.nameOf(i))).toEqual(
    [4, 5, 6].map((frame) => `run, frame ${frame}`),
  );
  const { features } = await data.load(1, undefined as never);
  expect(layout.features).toBe(6);
  expect(layout.history.map(({ back, first }) => [back, first])).toEqual([
    [1, 2],
    [2, 4],
  ]);
  const column = (first: number, { shift, scale }: { shift: readonly number[]; scale: readonly number[] }) =>
    Array.from({ length: 2 * points }, (_, i) => {
      const seen = features[Math.floor(i / 2) * 6 + first + (i % 2)];
      return seen * scale[i % 2] + shift[i % 2];
    });
  const each = (of: (i: number) => number) => Array.from({ length: 2 * points }, (_, i) => of(i));
  expectClose(
    column(0, layout.state[0].scaling),
    each((i) => valueOf(5, i)),
    1e-5,
    "state",
  );
  const [latest, before] = layout.history;
  expectClose(
    column(2, latest.scaling),
    each((i) => valueOf(5, i) - valueOf(3, i)),
    1e-5,
    "latest",
  );
  expectClose(
    column(4, before.scaling),
    each((i) => valueOf(3, i) - valueOf(1, i)),
    1e-5,
    "before",
  );
  await expect(open(configOf({ stride: 4, history: 2 }))).rejects.toThrow(
    "no sample is in the split train: its sequences have at most 9 frames, but 13 are needed with a stride of 4 and a history of 2",
  );
});

test("noise is a walk over the frames, so that each change has its step and the last frame all of it", async () => {
  const { data, layout } = await open(configOf({ history: 3 }, { augmentation: { noise: 0.2 } }));
  let drawn = 0;
  const random = { normal: () => ++drawn } as never;
  const [clean, noisy] = [await data.load(0, random), await data.load(0, random, 0)];
  const by = (place: { first: number; scaling: { scale: readonly number[] } }) =>
    (noisy.features[place.first] - clean.features[place.first]) * place.scaling.scale[0];
  const [state] = layout.state;
  // Of four steps: the noise of four independent numbers has twice the deviation of one.
  const step = (0.2 / 2) * state.deviation[0] * state.scaling.scale[0];
  expectClose(layout.history.map(by), [2 * step, 3 * step, 4 * step], 1e-4, "changes");
  expectClose([by(state)], [10 * step], 1e-4, "state");
  const truth = (noisy.truth![0] - clean.truth![0]) * layout.targets[0].scaling.scale[0];
  expectClose([truth], [-10 * step], 1e-4, "truth");
});

onEachDevice((device) => {
  test("a rollout goes on from its own predictions of all frames that the model sees", async () => {
    const { experiment, options, data, layout } = await open(configOf({ history: 2, rollout: 5 }));
    const [latest, before] = layout.history;
    const { shift, scale } = layout.targets[0].scaling;
    // Predicts the latest change and half of how it has grown: changes are normalised as the output is.
    const model = {
      device: device(),
      passesMessages: false,
      prepare: async ({ features }: { features: Float32Array }) => features,
      forward: async (features: Float32Array) => {
        const of = (i: number, { first }: { first: number }) =>
          features[Math.floor(i / 2) * layout.features + first + (i % 2)] * scale[i % 2] + shift[i % 2];
        const rows = Float32Array.from({ length: 2 * points }, (_, i) => {
          const change = of(i, latest) + (of(i, latest) - of(i, before)) / 2;
          return (change - shift[i % 2]) / scale[i % 2];
        });
        return Tensor.from(device(), rows, [points, 2]);
      },
    };
    const expected = Array.from({ length: 2 * points }, (_, i) => {
      const values = [0, 1, 2].map((frame) => valueOf(frame, i));
      for (let frame = 3; frame < 8; frame++) {
        const [last, middle, first] = [1, 2, 3].map((back) => values[frame - back]);
        values.push(last + 1.5 * (last - middle) - 0.5 * (middle - first));
      }
      return values;
    });
    const { curves } = (await experiment.rollout!(model as never, data as never, options)) as never as {
      curves: Record<string, number[]>;
    };
    const errors = (of: (frame: number, i: number) => number) =>
      [3, 4, 5, 6, 7].map((frame) =>
        Math.sqrt(expected.reduce((sum, _, i) => sum + (of(frame, i) - valueOf(frame, i)) ** 2 / (2 * points), 0)),
      );
    expectClose(
      curves.rmse_u,
      errors((frame, i) => expected[i][frame]),
      1e-4,
      "errors",
    );
    expectClose(
      curves.persistence_u,
      errors((_, i) => valueOf(2, i)),
      1e-5,
      "persistence",
    );
    async function* given() {
      for (const i of [0, 1, 2, 3, 4]) yield (await data.load(i, undefined as never)).pair.sample;
    }
    const found: Float64Array[] = [];
    // The first of these frames is 2, and with two earlier ones the first that is predicted is 5.
    for await (const [field] of experiment.rollOut(model as never, given()))
      found.push(Float64Array.from(field.prediction));
    const next = (i: number) =>
      valueOf(4, i) + 1.5 * (valueOf(4, i) - valueOf(3, i)) - (valueOf(3, i) - valueOf(2, i)) / 2;
    expectClose(
      found[2],
      expected.map((_, i) => valueOf(4, i)),
      1e-6,
      "given",
    );
    expectClose(
      found[3],
      expected.map((_, i) => next(i)),
      1e-5,
      "predicted",
    );
    expect(found).toHaveLength(5);
  });
});
