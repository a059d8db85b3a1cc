// The library among reactive state, as Vue, Svelte and others keep it: proxies stand for lists and plain objects.

import {
  AdamW,
  createErwinWorker,
  ErwinTransformer,
  FitController,
  type FitProgress,
  JsonLinesLogger,
  nn,
  Random,
  Tensor,
} from "erwin";
import {
  FileSource,
  FOLDER,
  folderExperiment,
  HttpSource,
  MemorySource,
  openRun,
  resolveOptions,
} from "erwin/experiments";
import { saveNpz } from "erwin/formats";
import { expect, test } from "vitest";
import { quickBackend, small, smallOfFields, useDevice } from "../support/models.ts";
import { copied, frozen, reactive } from "../support/reactive.ts";

const device = useDevice(quickBackend);

const rows = Array.from({ length: 20 }, (_, i) => [Math.sin(i), Math.cos(i), i / 20]);
const input = {
  nodeFeatures: rows.map((row) => [...row, 1]),
  nodePositions: rows,
  edgeIndex: [rows.keys(), rows.keys()].map((keys) => [...keys]),
};

test("objects that keep something to themselves are used through reactive state as they are", async () => {
  class Scaled extends nn.Module {
    readonly factor = reactive(this.parameter("factor", [1], nn.ones));
  }
  const lines: string[] = [];
  const erwin = await createErwinWorker({ backend: "cpu", threads: 1 });
  const tensor = Tensor.from(device(), [1]).requireGrad();
  const state = reactive({
    device: device(),
    tensor,
    module: new Scaled().initialize({ device: device() }),
    optimizer: new AdamW(new Map([["tensor", tensor]]), { lr: 1 }),
    erwin,
    controller: new FitController(),
    logger: new JsonLinesLogger((line) => void lines.push(line)),
    random: new Random(1),
    sources: [
      new MemorySource({ a: Uint8Array.of(1) }),
      new FileSource({ a: new Blob() }),
      new HttpSource("/", { a: 1 }),
    ],
  });

  expect(Tensor.from(state.device, [2]).shape).toEqual([1]);
  expect(await state.tensor.item()).toBe(1);
  expect(await state.module.factor.tensor.item()).toBe(1);
  state.optimizer.zeroGrad();
  expect(await state.erwin.info()).toMatchObject({ backend: "cpu" });
  state.controller.pause();
  expect(state.controller.paused).toBe(true);
  state.logger.log({ kind: "test", step: 1 });
  expect(lines).toEqual(['{"kind":"test","step":1}\n']);
  expect(state.random.bits()).toBe(new Random(1).bits());
  for (const source of state.sources) expect(await source.list("")).toEqual([{ name: "a", folder: false }]);
  for (const owner of [state.optimizer, state.tensor, state.module, state.erwin]) owner.dispose();
});

test("an experiment on a folder is kept in state that is made reactive, copied or frozen before anything is known of its data", async () => {
  const heat = { shape: [20], data: Float32Array.from(rows, ([x]) => x) };
  const positions = { shape: [20, 3], data: Float32Array.from(rows.flat()) };
  const source = new MemorySource({ "a.npz": saveNpz({ positions, heat }) });
  for (const keep of [reactive, copied, frozen]) {
    const config = { targets: ["heat"], splits: { train: ["*"] }, model: smallOfFields };
    const { experiment } = keep({ experiment: folderExperiment(config) });
    const options = resolveOptions(experiment.options);
    const { model } = await openRun(FOLDER, experiment, { device: device(), options, source });
    expect(experiment.fields?.targets).toMatchObject([{ name: "heat", channels: 1 }]);
    model.dispose();
  }
});

test("a worker takes a reactive config, inputs and options, and listeners that return what cannot be sent", async () => {
  const erwin = await createErwinWorker(reactive({ backend: "cpu" as const, threads: 1 }));
  await erwin.create(reactive(small), reactive({ seed: 3 }));
  using model = await ErwinTransformer.create(small, { device: device(), seed: 3 });
  expect(await erwin.save()).toEqual(await model.save());
  const { shape, data } = await erwin.forward(reactive(input as never));
  expect(shape).toEqual([20, 8]);
  expect(await erwin.forward(input as never)).toMatchObject({ data });

  const reports = reactive<FitProgress[]>([]);
  const { finished } = erwin.train(
    reactive({
      samples: [{ ...input, target: rows }],
      steps: 2,
      batchSize: 1,
      logEvery: 1,
      schedule: { kind: "cosine", lr: 1e-3, steps: 2 },
      optimizer: { betas: [0.9, 0.99] },
    }) as never,
    (progress) => {
      reports.push(progress);
      return reports;
    },
    { onCheckpoint: () => Promise.resolve(() => {}) },
  );
  expect(await finished).toMatchObject({ step: 2, finished: true });
  expect(reports.map(({ step }) => step)).toEqual([1, 2]);
  erwin.dispose();
});
