// Any arguments of the public functions give a result or an ErwinError: never garbage, never an error that names no argument.

import {
  AdamW,
  accuracy,
  add,
  argmax,
  checkpoint,
  clamp,
  clipGradientNorm,
  cloudMax,
  cloudMeans,
  concatenate,
  crossEntropy,
  dropout,
  ErwinTransformer,
  evaluate,
  exportOnnx,
  fit,
  gaussianNegativeLogLikelihood,
  huber,
  l1,
  learningRate,
  linear,
  loadSafetensors,
  loadTraining,
  matmul,
  maximum,
  mean,
  minimum,
  mse,
  multiply,
  nn,
  Random,
  relativeL2,
  requestDevice,
  reshape,
  resolveConfig,
  saveSafetensors,
  saveTraining,
  scale,
  slice,
  softmax,
  split,
  sum,
  supervised,
  Tensor,
  tanh,
  toFloat32,
  toInt32,
  transpose,
} from "erwin";
import * as formats from "erwin/formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Any, anything, fuzzRuns, mostly, resultOrRefusal } from "../support/anything.ts";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { quickBackend, useDevice } from "../support/models.ts";
import { Tally } from "../support/tally.ts";

const device = useDevice(quickBackend);
const config = {
  cIn: 2,
  cHidden: [8],
  ballSizes: [4],
  encNumHeads: [2],
  encDepths: [1],
  decNumHeads: [],
  decDepths: [],
  strides: [],
  mlpRatio: 2,
  mpSteps: 0,
};
const points = 6;
const random = seededRandom(5);
const nodePositions = uniformCloud(points, 3, random);
const nodeFeatures = uniformCloud(points, 2, random);

/** As `resultOrRefusal`, for all calls; tensors must have a shape, and are disposed. */
async function tryCalls(tally: Tally, calls: Record<string, () => unknown>): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    let refusal: string | undefined;
    let result: Any;
    await tally.count(async () => {
      result = await resultOrRefusal(name, call, (message) => {
        refusal = `${name}: ${message}`;
      });
      return refusal;
    });
    for (const part of Array.isArray(result) ? result : [result]) {
      if (!(part instanceof Tensor)) continue;
      expect(part.shape.every(Number.isSafeInteger), name).toBe(true);
      part.dispose();
    }
  }
}

test("tensors, operators and losses", async () => {
  const tally = new Tally("arguments of tensors, operators and losses");
  await fc.assert(
    fc.asyncProperty(anything, anything, anything, async (a: Any, b: Any, c: Any) => {
      const tensor = Tensor.from(device(), nodeFeatures, [points, 2]);
      const calls: Record<string, () => unknown> = {
        "Tensor.from data": () => Tensor.from(device(), a, b),
        "Tensor.from shape": () => Tensor.from(device(), nodeFeatures, a),
        "Tensor.from device": () => Tensor.from(a, nodeFeatures),
        mse: () => mse(tensor, a),
        "mse prediction": () => mse(a, b),
        relativeL2: () => relativeL2(tensor, a),
        crossEntropy: () => crossEntropy(tensor, a, b),
        "crossEntropy options": () => crossEntropy(tensor, new Int32Array(points), a),
        "crossEntropy logits": () => crossEntropy(a, b),
        accuracy: () => accuracy(tensor, a, b),
        "accuracy logits": () => accuracy(a, b),
        softmax: () => softmax(tensor, a),
        "softmax of": () => softmax(a),
        cloudMeans: () => cloudMeans(tensor, a),
        "cloudMeans of": () => cloudMeans(a, b),
        requireGrad: () => tensor.requireGrad(a).requiresGrad,
        gaussianNegativeLogLikelihood: () => gaussianNegativeLogLikelihood(tensor, a),
        add: () => add(tensor, a),
        "add first": () => add(a, tensor),
        multiply: () => multiply(tensor, a),
        scale: () => scale(tensor, a),
        reshape: () => reshape(tensor, a),
        slice: () => slice(tensor, a, b, c),
        split: () => split(tensor, a, b),
        concatenate: () => concatenate(a, b),
        "concatenate axis": () => concatenate([tensor, tensor], a),
        sum: () => sum(tensor, a),
        mean: () => mean(tensor, a),
        linear: () => linear(tensor, a, b),
        matmul: () => matmul(tensor, a),
        transpose: () => transpose(a),
        maximum: () => maximum(tensor, a),
        "maximum first": () => maximum(a, tensor),
        minimum: () => minimum(a, b),
        clamp: () => clamp(tensor, a, b),
        "clamp of": () => clamp(a, 0, 1),
        tanh: () => tanh(a),
        l1: () => l1(tensor, a),
        huber: () => huber(tensor, a, b),
        "huber delta": () => huber(tensor, nodeFeatures, a),
        cloudMax: () => cloudMax(tensor, a),
        "cloudMax of": () => cloudMax(a, b),
        argmax: () => argmax(tensor, a),
        "argmax of": () => argmax(a),
        dropout: () => dropout(tensor, a, b),
        "dropout of": () => dropout(a, 0.5, b),
        Dropout: () => new nn.Dropout(a).rate,
        backward: () => tensor.backward(a),
        checkpoint: () => checkpoint(a, b, c),
      };
      await tryCalls(tally, calls);
      tensor.dispose();
    }),
    fuzzRuns(200),
  );
  tally.save();
});

test("models, their inputs, optimisers and training", async () => {
  const tally = new Tally("arguments of models, their inputs, optimisers and training");
  using model = await ErwinTransformer.create(config, { device: device(), seed: 3 });
  const fields = { nodeFeatures, nodePositions, batchIdx: undefined, offsets: undefined, tree: undefined };
  const inputs = fc.record(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, mostly(value)])));
  const configs = fc.record(Object.fromEntries(Object.entries(config).map(([name, value]) => [name, mostly(value)])));
  const rates = fc.record({
    lr: mostly(0.01),
    betas: mostly(undefined),
    eps: mostly(undefined),
    weightDecay: mostly(undefined),
  });
  await fc.assert(
    fc.asyncProperty(inputs, configs, rates, anything, anything, async (input: Any, wrong: Any, rate: Any, a, b) => {
      const [x, y] = [a as Any, b as Any];
      const settings = { model, steps: 1, schedule: { kind: "constant", lr: 0.1 }, trainData: x, task: y } as Any;
      const calls: Record<string, () => unknown> = {
        forward: () => model.forward(input),
        "forward anything": () => model.forward(x),
        prepare: () => model.prepare(input),
        upload: async () => (await model.upload(input)).dispose(),
        "upload options": async () => (await model.upload({ nodeFeatures, nodePositions }, x)).dispose(),
        resolveConfig: () => resolveConfig(wrong),
        "resolveConfig anything": () => resolveConfig(x),
        create: async () => (await ErwinTransformer.create(x, { device: device() })).dispose(),
        "create options": async () => (await ErwinTransformer.create(config, x)).dispose(),
        load: async () => (await ErwinTransformer.load(x, { device: device() })).dispose(),
        "load options": async () => (await ErwinTransformer.load(new Uint8Array(8), x)).dispose(),
        requestDevice: async () => (await requestDevice(x)).dispose(),
        AdamW: () => new AdamW(model.parameters(), rate).dispose(),
        "AdamW parameters": () => new AdamW(x, { lr: 0.1 }).dispose(),
        "AdamW options": () => new AdamW(model.parameters(), x).dispose(),
        "AdamW step": async () => {
          const optimizer = new AdamW(model.parameters(), { lr: 0 });
          try {
            await optimizer.step(x);
          } finally {
            optimizer.dispose();
          }
        },
        "AdamW groups": () => new AdamW(model.parameters(), { groups: x }).dispose(),
        "AdamW group": () => new AdamW(model.parameters(), { groups: [x] }).dispose(),
        restore: () => new nn.Linear(2, 2).restore(x, undefined, device(), y),
        "load a part": () => new nn.Linear(2, 2).load(new Uint8Array(8), x),
        clipGradientNorm: () => clipGradientNorm(model.parameters(), x),
        "clipGradientNorm parameters": () => clipGradientNorm(x, 1),
        learningRate: () => learningRate(x, y),
        "learningRate step": () => learningRate({ kind: "constant", lr: 1 } as Any, x),
        fit: () => fit(settings),
        "fit patience": () => fit({ ...settings, patience: x, schedule: y, trainData: [x] }),
        "fit anything": () => fit(x),
        evaluate: () => evaluate(x),
        exportOnnx: () => exportOnnx(model, x),
        "exportOnnx model": () => exportOnnx(x),
        Random: () => new Random(x),
        loadTraining: () => loadTraining(x, y, y),
        saveTraining: () => saveTraining(x, y, y),
        supervised: () => supervised(x),
      };
      await tryCalls(tally, calls);
    }),
    fuzzRuns(120),
  );
  tally.save();
});

test("readers and writers", async () => {
  const tally = new Tally("arguments of readers and writers");
  const tensor = fc.record({ shape: mostly([2]), data: mostly(Float32Array.of(1, 2)), dtype: mostly(undefined) });
  const clouds = fc.record({
    positions: mostly(nodePositions),
    dimensionality: mostly(3),
    attributes: mostly(undefined),
  });
  await fc.assert(
    fc.asyncProperty(anything, anything, tensor, clouds, async (a: Any, b: Any, given: Any, cloud: Any) => {
      const calls: Record<string, () => unknown> = {
        loadSafetensors: () => loadSafetensors(a),
        "loadSafetensors options": () => loadSafetensors(new Uint8Array(8), a),
        saveSafetensors: () => saveSafetensors({ t: given }),
        "saveSafetensors anything": () => saveSafetensors(a, b),
        "saveSafetensors tensor": () => saveSafetensors({ t: a }),
        "saveSafetensors metadata": () => saveSafetensors({}, a),
        toFloat32: () => toFloat32(given),
        "toFloat32 anything": () => toFloat32(a),
        toInt32: () => toInt32(given),
        "toInt32 anything": () => toInt32(a),
        loadNpy: () => formats.loadNpy(a),
        loadNpz: () => formats.loadNpz(a, b),
        listNpz: () => formats.listNpz(a),
        loadPly: () => formats.loadPly(a),
        loadObj: () => formats.loadObj(a),
        loadCsv: () => formats.loadCsv(a),
        loadVtk: () => formats.loadVtk(a),
        readPointCloud: () => formats.readPointCloud(a, b),
        "readPointCloud options": () => formats.readPointCloud(new TextEncoder().encode("x,y\n1,2\n"), "csv", a),
        "readPointCloud attributes": () =>
          formats.readPointCloud(new TextEncoder().encode("x,y\n1,2\n"), "csv", { attributes: a }),
        saveNpy: () => formats.saveNpy(given),
        "saveNpy anything": () => formats.saveNpy(a, b),
        saveNpz: () => formats.saveNpz({ t: given }),
        "saveNpz anything": () => formats.saveNpz(a),
        writePointCloud: () => formats.writePointCloud(cloud, "csv"),
        "writePointCloud anything": () => formats.writePointCloud(a, "ply"),
        "writePointCloud name": () => formats.writePointCloud(cloud, a),
        saveCsv: () => formats.saveCsv(a),
        savePly: () => formats.savePly(cloud),
        saveVtk: () => formats.saveVtk(cloud),
        "saveVtk anything": () => formats.saveVtk(a),
      };
      await tryCalls(tally, calls);
    }),
    fuzzRuns(400),
  );
  tally.save();
});
