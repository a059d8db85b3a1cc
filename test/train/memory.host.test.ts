// Memory: the estimate against the memory that passes use, and gradient checkpointing: the same bits in a fraction of the memory.

import { AdamW, ErwinTransformer, type ErwinTransformer as Model, requestDevice, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, seededRandom } from "../support/clouds.ts";
import { twoLevels } from "../support/configs.ts";
import { quickBackend, useDevice } from "../support/models.ts";

const device = useDevice(quickBackend, { own: true });

const hierarchical = { ...twoLevels, cIn: 4, strides: [2] };
const deep = { ...hierarchical, encDepths: [4, 4], decDepths: [4], mpSteps: 0 };
/** The bottleneck's input is the encoder's output itself, which the decoder uses, too. */
const flat = { ...hierarchical, strides: [1], mpSteps: 0 };

function batchFor(config: object, sizes: readonly number[], seed = 1) {
  const random = seededRandom(seed);
  return joinClouds(sizes.map((size) => randomCloud(size, cloudOptions(config), random)));
}

/** Returns the peak memory of `work` in bytes above what was in use before; the peak before must be lower. */
async function peakOf(work: () => Promise<void>): Promise<number> {
  const { memory } = device();
  const [before, peakBefore] = [memory.current, memory.peak];
  await work();
  expect(memory.peak, "the pass must reach a new peak").toBeGreaterThan(peakBefore);
  return memory.peak - before;
}

async function trainingStep(model: Model, batch: ReturnType<typeof batchFor>): Promise<void> {
  const out = await model.forward(batch);
  using gradient = Tensor.from(model.device, new Float32Array(out.size).fill(1e-3), out.shape);
  await out.backward(gradient);
  out.dispose();
}

// Each case reaches a higher peak than the one before.
describe.each([
  ["evaluation", hierarchical, [300, 200], false, false],
  ["training", hierarchical, [250, 20], true, false],
  ["training with checkpointing", deep, [500, 20], true, true],
  ["training of many blocks", deep, [500], true, false],
] as const)("the estimate for %s", (_, config, sizes, training, checkpointing) => {
  test("is within 15 % of the memory that the pass uses", async () => {
    const batch = batchFor(config, sizes);
    const offsets = [0];
    for (const size of sizes) offsets.push(offsets.at(-1)! + size);
    const edges = batch.edgeIndex ? batch.edgeIndex.length / 2 : undefined;
    let estimated = 0;
    const peak = await peakOf(async () => {
      using model = await ErwinTransformer.create(config, { device: device(), checkpointing });
      const estimate = model.estimateMemory({ offsets, edges, training });
      estimated = estimate.peak;
      expect(model.estimateMemory(batch, { training })).toEqual(estimate);
      expect(model.estimateMemory(await model.prepare(batch), { training })).toEqual(estimate);
      const { parameters, gradients, moments, activations, temporaries } = estimate;
      expect(parameters + gradients + moments + activations + temporaries).toBe(estimated);
      if (training) {
        model.train();
        using optimizer = new AdamW(model.parameters());
        await trainingStep(model, batch);
        optimizer.step();
      } else (await model.forward(batch)).dispose();
      await device().finished();
    });
    expect(estimated / peak).toBeGreaterThan(0.85);
    expect(estimated / peak).toBeLessThan(1.15);
  });
});

test("the estimate for a model whose encoder is frozen is within 15 % of the memory that its training uses", async () => {
  using own = await requestDevice({ backend: quickBackend });
  using model = await ErwinTransformer.create(deep, { device: own });
  const batch = batchFor(deep, [500]);
  const whole = model.estimateMemory(batch, { training: true }).peak;
  model.requireGrad(false);
  expect(model.estimateMemory(batch, { training: true }).peak).toBeLessThan(whole);
  for (const { layer } of model.decoder) layer.requireGrad();
  const estimated = model.estimateMemory(batch, { training: true }).peak;
  expect(estimated).toBeLessThan(0.8 * whole);
  const { current } = own.memory;
  model.train();
  using optimizer = new AdamW(model.parameters());
  await trainingStep(model, batch);
  optimizer.step();
  await own.finished();
  const peak = own.memory.peak - current + parametersOf(model);
  expect(estimated / peak).toBeGreaterThan(0.85);
  expect(estimated / peak).toBeLessThan(1.15);
});

const parametersOf = (model: Model) => [...model.state().values()].reduce((sum, { size }) => sum + 4 * size, 0);

test("an estimate allocates no device memory and names missing arguments", async () => {
  using model = await ErwinTransformer.create(hierarchical, { device: device() });
  const { memory } = device();
  const before = { current: memory.current, buffersCreated: memory.buffersCreated };
  const { peak } = model.estimateMemory({ points: 100_000, edges: 1_000_000, training: true });
  expect(peak).toBeGreaterThan(100e6);
  expect({ current: memory.current, buffersCreated: memory.buffersCreated }).toEqual(before);
  expect(() => model.estimateMemory({ points: 10 })).toThrow(/number of edges/);
  expect(() => model.estimateMemory({ edges: 10 })).toThrow(/points or offsets/);
  expect(() => model.estimateMemory({ ...batchFor(hierarchical, [10]), edgeIndex: undefined })).toThrow(/prepare/);
});

describe("gradient checkpointing", () => {
  test.each([
    ["several levels", hierarchical],
    ["a stride of 1", flat],
  ])("gives the same gradients bit for bit with %s", async (_, config) => {
    const batch = batchFor(config, [40, 17]);
    const gradients = async (checkpointing: boolean, mode: "train" | "eval") => {
      using model = await ErwinTransformer.create(config, { device: device(), seed: 3, checkpointing });
      model[mode]();
      using nodeFeatures = Tensor.from(device(), batch.nodeFeatures, [57, 4]).requireGrad();
      const out = await model.forward({ ...batch, nodeFeatures });
      const data = await out.data();
      using gradient = Tensor.from(device(), data, out.shape);
      await out.backward(gradient);
      out.dispose();
      const parameters = [...model.parameters()].map(async ([name, { grad }]) => [name, await grad?.data()] as const);
      return new Map([
        ["out", data],
        ["features", await nodeFeatures.grad!.data()],
        ...(await Promise.all(parameters)),
      ]);
    };
    for (const mode of ["train", "eval"] as const) {
      const plain = await gradients(false, mode);
      const checkpointed = await gradients(true, mode);
      for (const [name, values] of plain) expect(checkpointed.get(name), `${mode}: ${name}`).toEqual(values);
    }
  });

  test("needs less than half the memory for activations in a deep model", async () => {
    const question = { points: 16_384, training: true };
    const activations = async (checkpointing: boolean) => {
      using model = await ErwinTransformer.create(deep, { device: device(), checkpointing });
      const { activations, temporaries } = model.estimateMemory(question);
      return { activations, peak: activations + temporaries };
    };
    const plain = await activations(false);
    const checkpointed = await activations(true);
    expect(checkpointed.activations).toBeLessThan(plain.activations / 2);
    expect(checkpointed.peak).toBeLessThan(plain.peak / 2);
  });
});
