// Classification with the training loop: class numbers as targets, a pooled output, a frozen body, lists of samples.

import {
  accuracy,
  cloudMeans,
  crossEntropy,
  type Device,
  type ErwinInput,
  ErwinTransformer,
  evaluate,
  FitController,
  fit,
  MemoryStore,
  type Metrics,
  nn,
  type PreparedInput,
  scope,
  supervised,
  Tensor,
} from "erwin";
import { expect, test } from "vitest";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { onEachDevice, quickBackends } from "../support/models.ts";
import { flatConfig } from "./training.ts";

class Classifier extends nn.Module {
  readonly body = this.child("body", new ErwinTransformer(flatConfig));
  readonly head: nn.Sequential;

  constructor(device: Device, ...before: nn.Dropout[]) {
    super();
    this.head = this.child("head", new nn.Sequential(...before, new nn.MLP([8, 8, 3])));
    this.initialize({ device, seed: 3 });
  }

  prepare(input: ErwinInput): Promise<PreparedInput> {
    return this.body.prepare(input);
  }

  async forward(input: PreparedInput): Promise<Tensor> {
    using nodes = await this.body.forward(input);
    return scope(() => this.head.forward(cloudMeans(nodes)));
  }
}

interface Labelled {
  positions: Float32Array;
  label: number;
}

/** Clouds of three kinds: around the origin, beside it, and far beside it. */
function clouds(size: number, seed: number): Labelled[] {
  const random = seededRandom(seed);
  return Array.from({ length: size }, (_, i) => {
    const label = i % 3;
    return { positions: uniformCloud(16 + i, 2, random).map((x) => x + label), label };
  });
}

function collate(samples: Labelled[]) {
  const nodePositions = Float32Array.from(samples.flatMap(({ positions }) => [...positions]));
  const batchIdx = samples.flatMap(({ positions }, cloud) => Array(positions.length / 2).fill(cloud));
  return {
    input: { nodeFeatures: nodePositions, nodePositions, batchIdx },
    target: Int32Array.from(samples, ({ label }) => label),
    offsets: Int32Array.from([...samples.keys(), samples.length]),
  };
}

onEachDevice((device) => {
  test("a head on a frozen body learns the classes of clouds, and its accuracy is that of a count", async () => {
    using model = new Classifier(device());
    model.body.requireGrad(false);
    const task = supervised({ model, collate, loss: crossEntropy, metrics: { accuracy } });
    const validationData = clouds(7, 2);
    const before = await model.body.save();
    const { validation } = await fit({
      model,
      task,
      trainData: clouds(12, 1),
      validationData,
      testData: validationData,
      steps: 40,
      batchSize: 6,
      schedule: { kind: "constant", lr: 0.03 },
    });
    expect(await model.body.save()).toEqual(before);
    expect(validation?.accuracy).toBeGreaterThan(0.7);

    using output = await model.forward((await task.prepare(validationData)).input);
    const logits = await output.data();
    const right = validationData.map(({ label }, i) => {
      const row = [...logits.subarray(3 * i, 3 * i + 3)];
      return Number(row.indexOf(Math.max(...row)) === label);
    });
    const each: Metrics[] = [];
    const found = await evaluate({
      device: device(),
      task,
      data: validationData,
      batchSize: 3,
      onSample: (metrics) => each.push(metrics),
    });
    expect(each.map((metrics) => Math.round(metrics.accuracy))).toEqual(right);
    expect(found.accuracy).toBeCloseTo(right.reduce((sum, one) => sum + one) / 7, 5);
    expect(found.loss).toBeCloseTo(each.reduce((sum, { loss }) => sum + loss, 0) / 7, 5);
  });

  test("a run with dropout that was stopped and resumed has the same bits", async () => {
    const run = async (store: MemoryStore, stopAt?: number) => {
      using model = new Classifier(device(), new nn.Dropout(0.5));
      const controller = new FitController();
      const beforeStep = (step: number) => {
        if (step === stopAt) controller.stop();
      };
      const task = supervised({ model, collate, loss: crossEntropy });
      const schedule = { kind: "constant", lr: 0.03 } as const;
      const data = { trainData: clouds(12, 1), steps: 4, batchSize: 3, accumulate: 2, seed: 9 };
      await fit({ model, task, ...data, schedule, store, controller, beforeStep });
      return model.save();
    };
    const store = new MemoryStore();
    const [whole, stopped] = [await run(new MemoryStore()), await run(store, 2)];
    expect(stopped).not.toEqual(whole);
    expect(await run(store)).toEqual(whole);
  });

  test("accuracy counts the rows whose own logit is the largest, without those that do not count", async () => {
    using logits = Tensor.from(device(), [
      [1, 2, 2.0001],
      [1e30, 0, -1e30],
      [-5, -4, -6],
      [0, 0, 0],
      [3, 1, 2],
    ]).requireGrad();
    const of = async (target: number[], options = {}) => {
      using share = accuracy(logits, target, options);
      expect(share.requiresGrad).toBe(false);
      return share.item();
    };
    expect(await of([2, 0, 1, 1, 1])).toBeCloseTo(0.8, 6);
    expect(await of([1, 0, -1, -1, 0], { ignoreIndex: -1 })).toBeCloseTo(2 / 3, 6);
    expect(await of(Array(5).fill(-100))).toBe(0);
    expect(() => accuracy(logits, [0, 1, 2, 3, 0])).toThrow("target[3] is 3");
    await expect(logits.item()).rejects.toThrow("a tensor of shape [5,3] is not one number");
  });
}, quickBackends);
