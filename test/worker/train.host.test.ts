// Training in a worker, as a page sees it: it learns, reports, can be paused, stopped and gone on with, and leaves the page free.

import {
  CheckpointError,
  ConfigError,
  createErwinWorker,
  DisposedError,
  type EdgeIndices,
  type ErwinWorker,
  type FitProgress,
  InputError,
  loadSafetensors,
  NumericalError,
  radiusGraph,
  saveSafetensors,
  type WorkerLoss,
  type WorkerSample,
  type WorkerTrainingOptions,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { normals, seededRandom, uniformCloud } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { expectFreeThread } from "../support/free-thread.ts";
import type { ReferenceConfigInput } from "../support/reference.ts";
import { rejection } from "../support/rejection.ts";
import { watchWorkers } from "./scripts.ts";

const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [0, 0],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  rotate: 0,
  mlpRatio: 2,
  mpSteps: 0,
} satisfies ReferenceConfigInput;
const POINTS = 64;
const STEPS = 12;

type Sample = Record<"nodeFeatures" | "nodePositions" | "target", Float32Array>;

/** Clouds with the target of each point's distance from the origin. */
function makeSamples(count: number, seed: number): Sample[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const nodePositions = uniformCloud(POINTS, 3, random);
    const target = Float32Array.from(
      { length: POINTS },
      (_, i) => 2 * Math.hypot(...nodePositions.subarray(3 * i, 3 * i + 3)),
    );
    return { nodeFeatures: normals(POINTS * 3, random), nodePositions, target };
  });
}

const options = {
  samples: makeSamples(8, 1),
  validation: makeSamples(3, 2),
  test: makeSamples(2, 3),
  steps: STEPS,
  batchSize: 4,
  schedule: { kind: "cosine", lr: 1e-2, minLr: 1e-3, steps: STEPS, warmup: 2 },
  optimizer: { weightDecay: 0.1 },
  maxNorm: 1,
  seed: 7,
  validateEvery: 5,
  saveEvery: 5,
  logEvery: 2,
} satisfies WorkerTrainingOptions;

// The processor trains: faults/worker.host.test.ts has trainings in a worker on a GPU, whose kernels take seconds to compile.
let erwin: ErwinWorker;
beforeAll(async () => {
  erwin = await createErwinWorker({ backend: "cpu" });
});
afterAll(() => erwin.dispose());

/** A run as it is when nobody touches it, made once, with what it reported. */
let whole: ReturnType<typeof run> | undefined;
const wholeRun = () => (whole ??= run());

async function run(worker = erwin, changes: Partial<WorkerTrainingOptions> = {}) {
  const progress: FitProgress[] = [];
  const checkpoints: Uint8Array<ArrayBuffer>[] = [];
  await worker.create(config, { seed: 5 });
  const { finished } = worker.train({ ...options, ...changes }, (now) => progress.push(now), {
    onCheckpoint: (checkpoint) => checkpoints.push(checkpoint),
  });
  const result = await finished;
  return { result, progress, checkpoints, weights: await worker.save() };
}

const cloud = () => {
  const { nodeFeatures, nodePositions } = options.samples[0];
  return { nodeFeatures, nodePositions };
};
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The best weights, as a model's checkpoint. */
function bestOf(checkpoint: Uint8Array): Uint8Array {
  const prefix = "training.best.";
  const best = [...loadSafetensors(checkpoint).tensors].filter(([name]) => name.startsWith(prefix));
  return saveSafetensors(new Map(best.map(([name, tensor]) => [name.slice(prefix.length), tensor])));
}

/** The worker's model on the test samples one by one: their mean loss in double precision. */
async function meanLoss(loss: keyof typeof losses, radius?: number): Promise<number> {
  const found = options.test!.map(async ({ nodeFeatures, nodePositions, target }) => {
    const { data, shape } = await erwin.forward({ nodeFeatures, nodePositions, radius });
    return losses[loss]([...target], (row, channel) => data[row * shape[1] + channel]);
  });
  return mean(await Promise.all(found));
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const norm = (values: number[]) => Math.hypot(...values);

const losses: Record<
  Exclude<WorkerLoss, "crossEntropy">,
  (target: number[], output: (row: number, channel: number) => number) => number
> = {
  mse: (target, output) => mean(target.map((value, i) => (value - output(i, 0)) ** 2)),
  l1: (target, output) => mean(target.map((value, i) => Math.abs(value - output(i, 0)))),
  huber: (target, output) =>
    mean(
      target.map((value, i) => {
        const error = Math.abs(value - output(i, 0));
        return error <= 1 ? error ** 2 / 2 : error - 0.5;
      }),
    ),
  relativeL2: (target, output) => norm(target.map((value, i) => value - output(i, 0))) / norm(target),
  gaussian: (target, output) =>
    mean(
      target.map((value, i) => {
        const deviation = 1e-6 + Math.log1p(Math.exp(output(i, 1)));
        const distance = (value - output(i, 0)) / deviation;
        return distance ** 2 / 2 + Math.log(deviation) + Math.log(2 * Math.PI) / 2;
      }),
    ),
};

describe("a training", () => {
  test("learns, and reports in order", async () => {
    const { result, progress } = await wholeRun();
    expect(result).toMatchObject({ step: STEPS, finished: true, skipped: 0 });
    expect(progress.map(({ step }) => step)).toEqual([2, 4, 5, 6, 8, 10, 12]);
    expect(progress.at(-1)!.loss).toBeLessThan(0.7 * progress[0].loss);
    expect(result.best!.loss).toBeLessThan(progress[0].loss);
    await erwin.load(bestOf(result.checkpoint), { config });
    expectClose([result.test!.loss], [await meanLoss("mse")], 1e-5, "test loss");
  });

  test("leaves the model with its best weights, in the mode it was in", async () => {
    const { result, weights } = await wholeRun();
    expect(loadSafetensors(weights).tensors).toEqual(loadSafetensors(bestOf(result.checkpoint)).tensors);
    await erwin.load(result.checkpoint);
    await erwin.setMode("train");
    await erwin.train({ ...options, steps: 1, schedule: { kind: "constant", lr: 1e-3 } }).finished;
    expect((await erwin.info()).mode).toBe("train");
  });

  test("goes on from a checkpoint in a new worker with the same bits", async () => {
    const { result, checkpoints, weights } = await wholeRun();
    expect(checkpoints).toHaveLength(3);
    expect(checkpoints[2]).toEqual(result.checkpoint);
    using other = await createErwinWorker({ backend: "cpu" });
    const stopped = await abortedRun(other);
    expect(stopped.finished).toBe(false);
    expect(stopped.step).toBeLessThan(STEPS);
    for (const checkpoint of [stopped.checkpoint, checkpoints[1]]) {
      const resumed = await run(other, { checkpoint });
      expect(resumed.result.checkpoint).toEqual(result.checkpoint);
      expect(resumed.weights).toEqual(weights);
      expect(resumed.result.test).toEqual(result.test);
    }
  });

  test("is paused and resumed, while other calls wait", async () => {
    await erwin.create(config);
    let steps = 0;
    // More steps than can be done before it is told to stop.
    const training = erwin.train({ ...options, steps: 100_000, logEvery: 1 }, ({ step }) => {
      steps = step;
      if (step === 2) training.pause();
    });
    let answered = false;
    const forward = erwin.forward(cloud()).then(() => {
      answered = true;
    });
    /** Waits until more than these steps are done, and then none for a second. */
    const untilHeld = (more: number) =>
      vi.waitFor(
        async () => {
          const before = steps;
          await wait(1000);
          expect(before).toBeGreaterThan(more);
          expect(steps).toBe(before);
        },
        { timeout: 100_000 },
      );
    await untilHeld(1);
    expect(answered).toBe(false);
    expect((await erwin.info()).mode).toBe("train");
    const held = steps;
    training.resume();
    await vi.waitFor(() => expect(steps).toBeGreaterThan(held), { timeout: 100_000 });
    training.pause();
    await untilHeld(held);
    expect(answered).toBe(false);
    training.stop();
    expect(await training.finished).toMatchObject({ finished: false });
    await forward;
  });

  test("has the same bits with a pause, and ignores what it is told after its end", async () => {
    await erwin.create(config, { seed: 5 });
    const training = erwin.train({ ...options, logEvery: 1 }, ({ step }) => {
      if (step !== 2) return;
      training.pause();
      setTimeout(() => training.resume(), 200);
    });
    const { checkpoint, finished } = await training.finished;
    expect(finished).toBe(true);
    expect(checkpoint).toEqual((await wholeRun()).result.checkpoint);
    training.pause();
    training.stop();
    expect((await erwin.forward(cloud())).shape).toEqual([POINTS, 8]);
  });

  test("that waits can be stopped before it begins", async () => {
    await erwin.create(config);
    const first = erwin.train({ ...options, steps: 1 });
    const second = erwin.train(options);
    second.stop();
    expect(await first.finished).toMatchObject({ step: 1, finished: true });
    expect(await second.finished).toMatchObject({ step: 0, finished: false });
  });

  test("leaves the caller's thread free", async () => {
    await erwin.create(config);
    await expectFreeThread(() => erwin.train(options).finished);
  });

  test("leaves the caller's arrays alone, or takes them", async () => {
    await erwin.create(config);
    const short = { ...options, steps: 1, validation: undefined, test: undefined, samples: makeSamples(4, 4) };
    await erwin.train(short).finished;
    expect(short.samples).toEqual(makeSamples(4, 4));
    const { finished } = erwin.train(short, undefined, { transfer: true });
    expect(short.samples.map(({ target }) => target.length)).toEqual([0, 0, 0, 0]);
    await finished;
    for (const [more, tensor] of [
      [{}, "samples[0].nodeFeatures"],
      [{ signal: {} as AbortSignal }, "signal"],
    ] as const) {
      const error = await rejection(erwin.train(short, undefined, more).finished);
      expect(error).toBeInstanceOf(InputError);
      expect(error.details.tensor).toBe(tensor);
    }
  });
});

/** Stops as soon as the first steps are reported. */
async function abortedRun(worker: ErwinWorker) {
  await worker.create(config, { seed: 5 });
  const controller = new AbortController();
  const { signal } = controller;
  return worker.train({ ...options, logEvery: 1 }, () => controller.abort(), { signal }).finished;
}

test("graphs come from the samples or from a radius, alike", async () => {
  const radius = 0.4;
  const samples = await Promise.all(
    options.samples.map(async (sample) => ({
      ...sample,
      edgeIndex: await radiusGraph(sample.nodePositions, { dimensionality: 3, radius }),
    })),
  );
  const passing = { ...config, mpSteps: 1 };
  const short = { ...options, steps: 2, validation: undefined, loss: "relativeL2" } as const;
  await erwin.create(passing);
  const own = await erwin.train({ ...short, samples, test: undefined }).finished;
  await erwin.create(passing);
  const built = await erwin.train({ ...short, radius }).finished;
  expect(own.checkpoint).toEqual(built.checkpoint);
  expectClose([built.test!.loss], [await meanLoss("relativeL2", radius)], 1e-5, "test loss");

  const error = await rejection(erwin.train(short).finished);
  expect(error).toBeInstanceOf(InputError);
  expect(error.details).toMatchObject({ tensor: "edgeIndex", sample: 0 });
  samples[2].edgeIndex[3] = POINTS;
  expect((await rejection(erwin.train({ ...short, samples }).finished)).details).toMatchObject({
    sample: 2,
    row: 3,
  });
});

test("nodes of the last level are trained", async () => {
  await erwin.create({ ...config, decode: false });
  const samples = options.samples.map((sample) => ({ ...sample, target: sample.target.subarray(0, POINTS / 2) }));
  const seen: number[] = [];
  const training = erwin.train({ ...options, samples, validation: undefined, test: undefined }, (now) =>
    seen.push(now.loss),
  );
  await training.finished;
  expect(seen.at(-1)).toBeLessThan(seen[0]);
});

test.each(["gaussian", "l1", "huber"] as const)("the loss %s is trained by its formula", async (loss) => {
  await erwin.create(config);
  const seen: number[] = [];
  const training = erwin.train({ ...options, validation: undefined, loss }, (now) => seen.push(now.loss));
  const result = await training.finished;
  expect(seen.at(-1)).toBeLessThan(seen[0]);
  expectClose([result.test!.loss], [await meanLoss(loss)], 1e-5, "test loss");
});

test("samples of lists, of rows and of float64 are trained on to the same bits, and where they are not rows, they are refused", async () => {
  const changes = { steps: 2, saveEvery: undefined, validation: undefined, test: undefined };
  const { weights } = await run(erwin, changes);
  const rows = (values: Float32Array, width: number) =>
    Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
  const samples = options.samples.map(({ nodeFeatures, nodePositions, target }) => ({
    nodeFeatures: rows(nodeFeatures, 3),
    nodePositions: Float64Array.from(nodePositions),
    target: [...target],
  }));
  expect((await run(erwin, { ...changes, samples })).weights).toEqual(weights);
  const columns = samples.map((sample) => ({ ...sample, target: [sample.target] }));
  const error = await rejection(erwin.train({ ...options, ...changes, samples: columns }).finished);
  expect(error.message).toBe("samples[0]: target has the shape [1,64], expected rows of 1 numbers");

  // Edges, too, are what the model's own forward takes.
  const ring = Int32Array.from({ length: 2 * POINTS }, (_, i) => (i < POINTS ? i : (i + 1) % POINTS));
  const trained = async (edgeIndex: EdgeIndices) => {
    await erwin.create({ ...config, mpSteps: 1 }, { seed: 5 });
    const samples = options.samples.map((sample) => ({ ...sample, edgeIndex }));
    await erwin.train({ ...options, ...changes, samples }).finished;
    return erwin.save();
  };
  expect(await trained([[...ring.subarray(0, POINTS)], Uint32Array.from(ring.subarray(POINTS))])).toEqual(
    await trained(ring),
  );
});

test("classes are trained by the cross entropy of the first channels", async () => {
  await erwin.create(config);
  const classed = (samples: readonly Sample[]) =>
    samples.map((sample) => ({ ...sample, target: oneHot(sample.target) }));
  /** Whether the value is large, in two columns; the first point has no class. */
  const oneHot = (values: Float32Array) =>
    Float32Array.from([...values].flatMap((value, i) => (i === 0 ? [0, 0] : value > 0.5 ? [0, 1] : [1, 0])));
  const changes = { samples: classed(options.samples), validation: undefined, test: classed(options.test!) };
  const seen: number[] = [];
  const training = erwin.train({ ...options, ...changes, loss: "crossEntropy" }, (now) => seen.push(now.loss));
  const { test: tested } = await training.finished;
  expect(seen.at(-1)).toBeLessThan(seen[0]);
  const expected = changes.test.map(async ({ nodeFeatures, nodePositions, target }) => {
    const { data, shape } = await erwin.forward({ nodeFeatures, nodePositions });
    const rows = Array.from({ length: shape[0] }, (_, row) => {
      const [a, b] = [data[row * shape[1]], data[row * shape[1] + 1]];
      const all = Math.log(Math.exp(a) + Math.exp(b));
      return target[2 * row] * (all - a) + target[2 * row + 1] * (all - b);
    });
    return mean(rows);
  });
  expectClose([tested!.loss], [mean(await Promise.all(expected))], 1e-5, "test loss");
});

describe("what goes wrong", () => {
  /** The error of a training whose third sample is changed. */
  async function failure(change: (sample: Sample) => Partial<WorkerSample>, changes = {}) {
    const samples = options.samples.map((sample, i) => (i === 2 ? { ...sample, ...change(sample) } : sample));
    return rejection(erwin.train({ ...options, samples, ...changes }).finished);
  }

  test("in a sample names it", async () => {
    await erwin.create(config);
    const short = await failure(({ target }) => ({ target: target.subarray(1) }));
    expect(short).toBeInstanceOf(InputError);
    expect(short.details).toMatchObject({ list: "samples", sample: 2, tensor: "target", expected: 64, found: 63 });
    expect(short.message).toContain("samples[2]");
    const notFinite = await failure(({ nodePositions }) => ({
      nodePositions: nodePositions.map((x, i) => (i === 10 ? Number.NaN : x)),
    }));
    expect(notFinite).toBeInstanceOf(InputError);
    expect(notFinite.details).toMatchObject({ sample: 2, tensor: "nodePositions", row: 3, column: 1 });
  });

  test("in the options names the field", async () => {
    await erwin.create(config);
    for (const [field, value] of Object.entries({ loss: "mae", validation: [], steps: 0, batchSize: 0 })) {
      const error = await rejection(erwin.train({ ...options, [field]: value }).finished);
      expect(error, field).toBeInstanceOf(ConfigError);
      expect(error.details.field).toBe(field);
    }
    const checkpoint = await erwin.save();
    expect(await rejection(erwin.train({ ...options, checkpoint }).finished)).toBeInstanceOf(CheckpointError);
  });

  test("in a step leaves the weights as they were", async () => {
    await erwin.create(config);
    const before = await erwin.forward(cloud());
    const { memory } = await erwin.info();
    const error = await failure(({ target }) => ({ target: target.map(() => 1e30) }), { batchSize: 8 });
    expect(error).toBeInstanceOf(NumericalError);
    expect(error.details).toEqual({ tensor: "loss", step: 1 });
    expect(await erwin.info()).toMatchObject({ mode: "eval", memory: { current: memory.current } });
    const { tensors } = loadSafetensors(await erwin.save());
    await erwin.create(config);
    const fresh = loadSafetensors(await erwin.save()).tensors;
    expect(tensors.get("embed.embed_fn.weight")).toEqual(fresh.get("embed.embed_fn.weight"));
    expect((await erwin.forward(cloud())).data).toEqual(before.data);
  });

  test("in the listener ends the training", async () => {
    await erwin.create(config);
    const { finished } = erwin.train(options, () => {
      throw new RangeError("no more");
    });
    await expect(finished).rejects.toMatchObject({ name: "RangeError", message: "no more" });
  });
});

test("dispose ends a training and its worker", async () => {
  const { result: erwin, started } = await watchWorkers(() => createErwinWorker({ backend: "cpu", threads: 1 }));
  const terminate = vi.spyOn(started[0].worker, "terminate");
  await erwin.create(config);
  let reports = 0;
  const training = erwin.train({ ...options, steps: 100_000, logEvery: 1 }, () => reports++);
  const failures = [training.finished, erwin.forward(cloud())].map((call) => rejection(call));
  await vi.waitFor(() => expect(reports).toBeGreaterThan(1), { timeout: 100_000 });
  erwin.dispose();
  const told = reports;
  for (const error of await Promise.all(failures)) expect(error).toBeInstanceOf(DisposedError);
  await vi.waitFor(() => expect(terminate).toHaveBeenCalledOnce(), { timeout: 20_000 });
  expect(reports).toBe(told);
  training.stop();
});
