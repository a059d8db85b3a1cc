// The training loop: runs that are repeated, stopped and resumed give the same results; runs meet a NaN; runs learn.

import {
  BEST_CHECKPOINT,
  ErwinTransformer,
  evaluate,
  FitController,
  type FitOptions,
  type FitProgress,
  fit,
  LAST_CHECKPOINT,
  loadSafetensors,
  MemoryLogger,
  MemoryStore,
  mse,
  NumericalError,
  saveSafetensors,
  supervised,
  type Task,
  Tensor,
} from "erwin";
import { describe, expect, test, vi } from "vitest";
import { subjects } from "../faults/subjects.ts";
import { expectClose, l2Error } from "../support/compare.ts";
import { quickBackend, useDevice } from "../support/models.ts";
import { type Cloud, flatConfig, makeClouds, makeModel, makeTask } from "./training.ts";

const device = useDevice(quickBackend);
/** The memory that the CPU backend keeps for reuse depends on how far its threads are behind, so it is measured on WebGPU only. */
const gpu = useDevice("webgpu");
const trainData = makeClouds(20, 1);
const validationData = makeClouds(5, 2);
const testData = makeClouds(3, 3);

type Options = Partial<FitOptions<Cloud, unknown>>;

/** Runs 12 steps, unless the options say otherwise, on a new model; returns the run's files, too. */
async function run(options: Options & { seed?: number } = {}) {
  using model = await makeModel(device());
  const store = (options.store as MemoryStore) ?? new MemoryStore();
  const result = await fit<Cloud, unknown>({
    model,
    task: makeTask(model),
    trainData,
    validationData,
    steps: 12,
    batchSize: 4,
    schedule: { kind: "cosine", lr: 3e-3, minLr: 1e-4, steps: 12, warmup: 2 },
    optimizer: { averageDecay: 0.9 },
    maxNorm: 1,
    validateEvery: 4,
    saveEvery: 5,
    logEvery: 3,
    seed: 7,
    config: { experiment: "distance" },
    ...options,
    store,
  });
  return { result, store, weights: await model.save() };
}

/** The run without any options, which is made only once. */
let plain: ReturnType<typeof run> | undefined;
const plainRun = () => (plain ??= run());

const last = (store: MemoryStore) => store.files.get(LAST_CHECKPOINT)!;
const best = (store: MemoryStore) => store.files.get(BEST_CHECKPOINT)!;

/** Notes after which steps checkpoints are saved. */
class StepsStore extends MemoryStore {
  readonly steps: number[] = [];

  override save(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    super.save(name, bytes);
    if (name === LAST_CHECKPOINT) this.steps.push(JSON.parse(loadSafetensors(bytes).metadata.training!).step);
  }
}

describe("a run", () => {
  test("gives the same files as another of the same seed, and others than one of another", async () => {
    const [one, two, other] = [await plainRun(), await run(), await run({ seed: 8 })];
    expect(last(two.store)).toEqual(last(one.store));
    expect(best(two.store)).toEqual(best(one.store));
    expect(last(other.store)).not.toEqual(last(one.store));
    expect(one.result).toMatchObject({ step: 12, finished: true, skipped: 0 });
    expect(one.weights, "afterwards the model has the best weights").toEqual(best(one.store));
  });

  test("whose model is evaluated between its steps has the same bits", async () => {
    using model = await makeModel(device());
    const evaluated: number[] = [];
    const beforeStep = async (step: number) => {
      evaluated.push(step);
      if (step % 5 > 0) return;
      model.eval();
      await evaluate({ device: device(), task: makeTask(model), data: validationData, batchSize: 2 });
    };
    const { store } = await run({ model, task: makeTask(model), beforeStep });
    expect(evaluated).toEqual(Array.from({ length: 12 }, (_, step) => step));
    expect(last(store)).toEqual(last((await plainRun()).store));
  });

  test("leaves the model in the mode that it had, also if it is stopped or fails", async () => {
    for (const training of [false, true]) {
      using model = await makeModel(device());
      if (training) model.train();
      const task = makeTask(model);
      await run({ model, task, steps: 1 });
      expect(model.training).toBe(training);
      await run({ model, task, signal: AbortSignal.abort() });
      expect(model.training).toBe(training);
      const loss = () => Promise.reject(new Error("of the task"));
      await expect(run({ model, task: { ...task, loss } })).rejects.toThrow("of the task");
      expect(model.training).toBe(training);
    }
  });

  test("that was stopped continues with the same bits", async () => {
    const whole = await plainRun();
    for (const stopAt of [3, 7]) {
      const store = new MemoryStore();
      const controller = new FitController();
      let steps = 0;
      const task = (model: ErwinTransformer) => {
        const made = makeTask(model);
        const loss = (batch: unknown) => {
          if (++steps === stopAt) controller.stop();
          return made.loss(batch);
        };
        return { ...made, loss };
      };
      using model = await makeModel(device());
      const stopped = await run({ store, controller, model, task: task(model) });
      expect(stopped.result).toMatchObject({ step: stopAt, finished: false });
      const resumed = await run({ store });
      expect(resumed.result).toMatchObject({ step: 12, finished: true });
      expect(last(store), `stopped at ${stopAt}`).toEqual(last(whole.store));
      expect(best(store)).toEqual(best(whole.store));
    }
  });

  test("saves a checkpoint when enough time has passed, where losses are logged, with the same bits", async () => {
    const now = performance.now.bind(performance);
    let ahead = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + ahead);
    const beforeStep = () => void (ahead += 6000);
    const options = { saveEvery: 100, beforeStep, store: new StepsStore() };
    await run(options).finally(() => clock.mockRestore());
    expect(options.store.steps).toEqual([6, 12]);
    expect(last(options.store)).toEqual(last((await plainRun()).store));
  });

  test("leaves the time of validations out of its speed", async () => {
    const now = performance.now.bind(performance);
    let ahead = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + ahead);
    using model = await makeModel(device());
    const task = makeTask(model);
    const metrics: typeof task.metrics = async (batch) => {
      ahead += 1e6;
      return { loss: await task.loss(batch) };
    };
    const speeds: number[] = [];
    await run({
      model,
      task: { ...task, metrics },
      beforeStep: () => void (ahead += 1000),
      validateEvery: 3,
      steps: 9,
      onProgress: ({ stepsPerSecond }) => speeds.push(stepsPerSecond),
    }).finally(() => clock.mockRestore());
    expect(speeds.length).toBeGreaterThan(2);
    for (const speed of speeds) expect(speed).toBeGreaterThan(0.1);
  });

  test("saves a checkpoint that is asked for, with the next losses that are logged", async () => {
    const [controller, store] = [new FitController(), new StepsStore()];
    const beforeStep = (step: number) => {
      if (step === 4) controller.checkpoint();
    };
    await run({ saveEvery: 100, beforeStep, controller, store });
    expect(store.steps).toEqual([6, 12]);
    expect(last(store)).toEqual(last((await plainRun()).store));
  });

  test("does not continue from a checkpoint whose progress is damaged", async () => {
    const { tensors, metadata } = loadSafetensors(last((await plainRun()).store));
    for (const training of ["{}", '{"step":"1","batches":1,"seed":0}', "null", "{"]) {
      const store = new MemoryStore();
      store.save(LAST_CHECKPOINT, saveSafetensors(tensors, { ...metadata, training }));
      await expect(run({ store }), training).rejects.toThrow(/damaged progress/);
    }
  });

  test("continues with a loss scale from a checkpoint that has none, and with its own, with the same bits", async () => {
    const store = new MemoryStore();
    const [logger, optimizer] = [new MemoryLogger(), { averageDecay: 0.9, lossScale: "dynamic" } as const];
    const until = (stopAt: number) => {
      const controller = new FitController();
      const beforeStep = (step: number) => {
        if (step === stopAt) controller.stop();
      };
      return { store, logger, controller, beforeStep };
    };
    await run(until(3));
    const { result } = await run({ ...until(7), optimizer });
    expect(result).toMatchObject({ step: 8, finished: false });
    const { tensors } = loadSafetensors(last(store));
    expect(tensors.get("optimizer.lossScale")!.data).toEqual(Float32Array.of(65536));
    expect(tensors.get("optimizer.lossScaleSteps")!.data).toEqual(Uint32Array.of(4));
    await run({ store, logger, optimizer });
    expect(best(store)).toEqual(best((await plainRun()).store));
    expect(loadSafetensors(last(store)).tensors.get("optimizer.lossScaleSteps")!.data).toEqual(Uint32Array.of(8));
    expect(logger.entries.at(-2)).toMatchObject({ step: 12, lossScale: 65536 });
  });

  test("that was stopped while it validated validates first when it goes on", async () => {
    const whole = new MemoryLogger();
    await run({ logger: whole });
    const [store, logger, controller] = [new MemoryStore(), new MemoryLogger(), new FitController()];
    const load = (index: number) => {
      if (index === 3) controller.stop();
      return validationData.clouds[index];
    };
    // One cloud a batch and none ahead: the evaluation is stopped in its middle.
    const stopping = { ...validationData, load };
    const stopped = await run({ store, logger, controller, validationData: stopping, batchSize: 1, prefetch: 0 });
    expect(stopped.result).toMatchObject({ step: 4, finished: false });
    expect(logger.entries.filter(({ kind }) => kind === "validation")).toEqual([]);

    const [other, resumed] = [new MemoryStore(), new MemoryLogger()];
    await run({ store: other, batchSize: 1 });
    await run({ store, logger: resumed, batchSize: 1 });
    const stepsOf = ({ entries }: MemoryLogger) =>
      entries.filter(({ kind }) => kind === "validation").map(({ step }) => step);
    expect(stepsOf(resumed)).toEqual(stepsOf(whole));
    expect(last(store)).toEqual(last(other));
  });

  test("that was killed continues from its last checkpoint with the same bits", async () => {
    const store = new MemoryStore();
    const broken = { ...trainData, load: brokenAfter(4 * 11) };
    await expect(run({ store, trainData: broken, prefetch: 0 })).rejects.toThrow("killed");
    expect(JSON.parse(loadSafetensors(last(store)).metadata.training).step).toBe(10);
    await run({ store });
    expect(last(store)).toEqual(last((await plainRun()).store));
  });

  test("writes checkpoints that load as models, with the state of training in addition", async () => {
    const { store } = await plainRun();
    const { tensors, metadata } = loadSafetensors(last(store));
    expect(JSON.parse(metadata.training)).toMatchObject({
      step: 12,
      batches: 12,
      seed: 7,
      config: { experiment: "distance" },
      schedule: { kind: "cosine" },
      optimizer: { betas: [0.9, 0.999] },
    });
    for (const name of ["steps.embed.embed_fn.weight", "first.embed.embed_fn.weight", "average.embed.embed_fn.bias"]) {
      expect(tensors.has(`optimizer.${name}`), name).toBe(true);
    }
    using model = await ErwinTransformer.load(last(store), { device: device() });
    expect(loadSafetensors(await model.save()).tensors.get("embed.embed_fn.weight")).toEqual(
      tensors.get("embed.embed_fn.weight"),
    );
  });

  test("without a validation has the averaged weights in the end, if the optimiser keeps an average", async () => {
    const { store, weights } = await run({ validationData: undefined, validateEvery: undefined, steps: 4 });
    const [trained, averaged] = [last(store), best(store)].map((bytes) => loadSafetensors(bytes).tensors);
    const name = "embed.embed_fn.weight";
    expect(averaged.get(name)).toEqual(trained.get(`optimizer.average.${name}`));
    expect(averaged.get(name)).not.toEqual(trained.get(name));
    expect(weights).toEqual(best(store));
  });

  test("learns, validates over clouds, tests with the best weights, and reports all of it", async () => {
    const logger = new MemoryLogger();
    const progress: FitProgress[] = [];
    const { result, store } = await run({
      steps: 40,
      schedule: { kind: "constant", lr: 1e-2 },
      optimizer: {},
      validateEvery: 10,
      saveEvery: undefined,
      logEvery: 10,
      testData,
      logger,
      onProgress: (now) => progress.push(now),
    });
    const losses = logger.entries.filter(({ kind }) => kind === "training");
    expect(losses.map(({ step }) => step)).toEqual([10, 20, 30, 40]);
    expect(losses.at(-1)!.loss).toBeLessThan(0.5 * (losses[0].loss as number));
    for (const { gradientNorm, stepsPerSecond, pointsPerSecond } of losses) {
      expect(gradientNorm).toBeGreaterThan(0);
      // A step has four clouds of 24 points.
      expect(Number(pointsPerSecond) / Number(stepsPerSecond)).toBeCloseTo(96);
    }
    expect(logger.entries.filter(({ kind }) => kind === "validation").map(({ step }) => step)).toEqual([
      10, 20, 30, 40,
    ]);
    expect(progress.at(-1)).toMatchObject({ step: 40, steps: 40, secondsLeft: 0, skipped: 0 });
    for (const { step, stepsPerSecond, secondsLeft } of progress)
      expect(secondsLeft * stepsPerSecond).toBeCloseTo(40 - step);
    expect(progress.every(({ stepsPerSecond, treeWait }) => stepsPerSecond > 0 && treeWait >= 0)).toBe(true);

    using model = await ErwinTransformer.load(best(store), { device: device() });
    const mean = async (data: typeof testData, batchSize: number) =>
      (await evaluate({ device: device(), task: makeTask(model), data, batchSize })).loss;
    expectClose([result.test!.loss], [await mean(testData, 1)], 1e-6, "test loss in one batch and cloud by cloud");
    expectClose([result.best!.loss], [await mean(validationData, 3)], 1e-6, "best validation loss");
  });

  test("measures how long the device waited for trees", async () => {
    using model = await makeModel(device());
    const task = makeTask(model);
    const slow: typeof task = {
      ...task,
      async prepare(samples) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return task.prepare(samples);
      },
    };
    const { result } = await run({ model, task: slow, prefetch: 0, steps: 4, validationData: undefined });
    expect(result.treeWait).toBeGreaterThan(100);
    expect(result.treeWait).toBeLessThan(result.time);
    expect((await plainRun()).result.treeWait).toBeLessThan(result.treeWait);
  });

  test("has two steps under way until the device has done one", async () => {
    using model = await makeModel(device());
    const done: (() => void)[] = [];
    const begun: number[] = [];
    const finished = vi
      .spyOn(device(), "finished")
      .mockImplementation(() => new Promise<void>((resolve) => done.push(resolve)));
    const running = run({
      model,
      task: makeTask(model),
      beforeStep: (step) => void begun.push(step),
      validationData: undefined,
      logEvery: 100,
      saveEvery: undefined,
    });
    try {
      await expect.poll(() => begun.length).toBeGreaterThan(1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(begun).toEqual([0, 1]);
      done.shift()!();
      await expect.poll(() => begun.length).toBeGreaterThan(2);
    } finally {
      finished.mockRestore();
      for (const resolve of done) resolve();
      await running;
    }
  });

  test("pauses and resumes", async () => {
    const controller = new FitController();
    controller.pause();
    let finished = false;
    const running = run({ controller }).then((done) => {
      finished = true;
      return done;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(finished).toBe(false);
    controller.resume();
    expect(last((await running).store)).toEqual(last((await plainRun()).store));
  });

  test("ends with the memory it had after ten steps", async () => {
    const { memory } = gpu();
    // Buffers, not bytes in use: how many steps are under way at once, and so hold memory, depends on the host's speed.
    const created = new Map<number, number>();
    // In browsers, a software adapter takes seconds to compile a transformer's kernels.
    const { make, task } = "Deno" in globalThis ? subjects.transformer : subjects.layer;
    using model = await make(gpu());
    const held = memory.current;
    await run({
      model,
      task: task(model) as Task<Cloud, unknown>,
      batchSize: 1,
      steps: 60,
      validationData: undefined,
      saveEvery: undefined,
      logEvery: 10,
      onProgress: ({ step }) => created.set(step, memory.buffersCreated),
    });
    expect(created.get(50)).toBe(created.get(20));
    expect(memory.current).toBe(held);
  });
});

describe("early stopping", () => {
  /** Runs at most 20 steps, and finds the given losses, one in every second step. */
  async function stopping(losses: number[], options: Options = {}) {
    using model = await makeModel(device());
    const left = [...losses];
    const task = { ...makeTask(model), metrics: async () => ({ loss: left.shift() as number }) };
    const schedule = (step: number) => 1e-3 * (1 - step / 20);
    const validated = {
      validationData: makeClouds(1, 2),
      testData: undefined,
      validateEvery: 2,
      patience: 2,
      steps: 20,
    };
    const done = await run({ model, task, ...validated, optimizer: {}, schedule, ...options });
    return { ...done, weights: await model.save() };
  }

  test("ends after so many validations without a lower loss, with the best weights, also when it is resumed", async () => {
    const { result, store, weights } = await stopping([3, 2, 4, 1, 1, 1.5, 0]);
    expect(result).toMatchObject({ step: 12, finished: true, best: { step: 8, loss: 1 }, validation: { loss: 1.5 } });
    expect(weights).toEqual(best(store));
    const again = await stopping([0], { store });
    expect(again.result).toMatchObject({ step: 12, finished: true, best: { step: 8, loss: 1 } });
    // More patience continues it, with the learning rates of its steps.
    const logger = new MemoryLogger();
    const more = await stopping([0.5, 1, 1, 1], { store, logger, patience: 9, logEvery: 1 });
    expect(more.result).toMatchObject({ step: 20, best: { step: 14, loss: 0.5 } });
    const rates = logger.entries.filter(({ kind }) => kind === "training").map(({ lr }) => lr);
    expect(rates[0]).toBeCloseTo(1e-3 * (1 - 12 / 20), 9);
  });

  test("takes no loss that is not finite for the best", async () => {
    const { result } = await stopping([Number.NaN, Number.POSITIVE_INFINITY, 3, 5, Number.NaN], { patience: 2 });
    expect(result).toMatchObject({ step: 4, finished: true });
    expect(result.best).toBeUndefined();
    const patient = await stopping([Number.NaN, Number.POSITIVE_INFINITY, 3, 5, Number.NaN, 4], { patience: 3 });
    expect(patient.result).toMatchObject({ best: { step: 6, loss: 3 } });
  });

  test("needs validations to count", async () => {
    for (const without of [{ validationData: undefined }, { validateEvery: undefined }]) {
      await expect(stopping([], without)).rejects.toThrow("patience counts validations");
    }
    await expect(stopping([], { patience: 0.5 })).rejects.toThrow("patience must be a whole number of at least 1");
    await expect(stopping([], { schedule: () => Number.NaN })).rejects.toThrow("must be a number of at least 0");
  });
});

test("a task whose loss is no scalar, and what is no task, are refused", async () => {
  using model = await makeModel(device(), 1, flatConfig);
  const task = makeTask(model);
  const held = device().memory.current;
  const losses: [unknown, string][] = [
    [async () => 1, "task.loss must return a scalar"],
    [async () => Tensor.from(device(), [1, 2]), "task.loss must return a scalar"],
    [undefined, "expected what has a method loss"],
  ];
  for (const [loss, message] of losses) {
    await expect(run({ model, task: { ...task, loss } as Task<Cloud, unknown> })).rejects.toThrow(message);
  }
  const collate = () => ({ input: {} as never, target: new Float32Array(3) });
  expect(() => supervised({ model, loss: mse } as never)).toThrow(
    "supervised: collate is undefined, expected a function",
  );
  expect(() => supervised({ model, collate } as never)).toThrow("supervised: loss is undefined, expected a function");
  expect(() => supervised({ model, collate, loss: mse, meanover: "rows" } as never)).toThrow("did you mean meanOver?");
  const [collection, sizeOnly] = [new Map() as never, { size: 3 } as never];
  await expect(run({ model, trainData: collection })).rejects.toThrow(
    "trainData is Map, expected a list of samples or { size, load(index) }",
  );
  await expect(run({ model, validationData: sizeOnly })).rejects.toThrow("validationData is Object, expected a list");
  await expect(run({ model, testData: [] })).rejects.toThrow("testData has no samples");
  await expect(run({ model, validateEvry: 3 } as Options)).rejects.toThrow("did you mean validateEvery?");
  await expect(run({ model, signal: {} as AbortSignal })).rejects.toThrow("signal is Object, expected an AbortSignal");
  const wrong: [object, string][] = [
    [{ store: {} }, "fit: store is Object, expected what has a method load"],
    [{ logger: {} }, "fit: logger is Object, expected what has a method log"],
    [{ controller: {} }, "fit: controller is Object, expected what has a method stop"],
    [{ onProgress: 5 }, "onProgress must be a function, not 5"],
    [{ shuffle: "off" }, 'shuffle must be a boolean, not "off"'],
    [
      { schedule: { kind: "cosine", lr: 1, steps: 2, min_lr: 0.1 } },
      "schedule has no option min_lr: did you mean minLr?",
    ],
  ];
  for (const [option, message] of wrong) {
    await expect(run({ model, ...option } as Options)).rejects.toThrow(message);
  }
  const misspelt = { device: device(), task, data: validationData, batchSize: 2, onSampel() {} };
  await expect(evaluate(misspelt)).rejects.toThrow("did you mean onSample?");
  const [{ features, positions }] = makeClouds(1, 3).clouds;
  const input = { nodeFeatures: features, nodePositions: positions };
  const seven = supervised({ model, collate: () => ({ input, target: new Float32Array(7) }), loss: mse });
  await expect(seven.loss(await seven.prepare([]))).rejects.toThrow(/collate gave a target of 7 numbers for .* rows/);
  for (const tensor of model.parameters().values()) tensor.zeroGrad();
  expect(device().memory.current).toBe(held);
});

describe("a NaN in a batch", () => {
  const bad = makeClouds(20, 1);
  bad.clouds[0].target[5] = Number.NaN;

  test("ends the run with its step, and leaves the weights of the step before", async () => {
    const store = new MemoryStore();
    const error = await run({ store, trainData: bad, batchSize: 20, saveEvery: 1 }).then(
      () => undefined,
      (error) => error,
    );
    expect(error).toBeInstanceOf(NumericalError);
    expect(error.details).toEqual({ tensor: "loss", step: 1 });
    expect(store.files.size).toBe(0);
  });

  test("is skipped if the optimiser is to skip such steps", async () => {
    const logger = new MemoryLogger();
    const { result } = await run({
      trainData: bad,
      logger,
      optimizer: { onNonFinite: "skip" },
      batchSize: 2,
      steps: 10,
    });
    expect(result).toMatchObject({ step: 10, finished: true, skipped: 1 });
    expect(result.best!.loss).toBeGreaterThan(0);
    expect(logger.entries.filter(({ skipped }) => skipped === "loss")).toHaveLength(1);
  });
});

describe("gradients of several batches", () => {
  test("add up to that of one large batch", async () => {
    using model = await makeModel(device(), 1, flatConfig);
    model.train();
    const task = makeTask(model);
    const backward = async (clouds: Cloud[], share: number) => {
      const loss = await task.loss(await task.prepare(clouds));
      using gradient = Tensor.from(device(), Float32Array.of(share), loss.shape);
      await loss.backward(gradient);
      loss.dispose();
    };
    const gradients = () =>
      Promise.all([...model.parameters()].map(async ([name, { grad }]) => [name, await grad!.data()] as const));
    const { clouds } = trainData;
    await backward(clouds.slice(0, 8), 1);
    const whole = await gradients();
    for (const tensor of model.parameters().values()) tensor.zeroGrad();
    for (let i = 0; i < 8; i += 2) await backward(clouds.slice(i, i + 2), 0.25);
    const added = new Map(await gradients());
    // A key's bias shifts all scores of a query equally: its gradient is only rounding errors.
    for (const [name, values] of whole) {
      if (!name.endsWith("qkv.bias")) expect(l2Error(added.get(name)!, values), name).toBeLessThan(1e-5);
    }
  });

  test("make the same step as one large batch", async () => {
    const shape = {
      schedule: { kind: "constant", lr: 1e-3 } as const,
      validationData: undefined,
      optimizer: {},
      steps: 2,
      logEvery: 1,
    };
    const model = () => makeModel(device(), 1, flatConfig);
    using one = await model();
    using four = await model();
    const order = { ...trainData, size: 8 };
    const [ofOne, ofFour] = [new MemoryLogger(), new MemoryLogger()];
    await run({ ...shape, model: one, task: makeTask(one), trainData: order, batchSize: 8, logger: ofOne });
    const parts = { batchSize: 2, accumulate: 4, optimizer: { lossScale: 1024 }, logger: ofFour };
    const reseed = vi.spyOn(four, "reseed");
    await run({ ...shape, model: four, task: makeTask(four), trainData: order, ...parts });
    expect(new Set(reseed.mock.calls.flat()).size, "random numbers of each batch").toBe(8);
    const expected = one.parameters().get("embed.embed_fn.weight")!;
    const found = four.parameters().get("embed.embed_fn.weight")!;
    expectClose(await found.data(), await expected.data(), 1e-4, "embed.embed_fn.weight");
    // AdamW's steps hardly depend on the size of the gradients.
    const logged = ({ entries }: MemoryLogger) =>
      entries.map(({ loss, gradientNorm }) => [loss, gradientNorm] as number[]);
    expect(logged(ofFour)).toHaveLength(2);
    for (const [i, numbers] of logged(ofOne).entries())
      expectClose(logged(ofFour)[i], numbers, 1e-5, `loss and norm ${i}`);
  });
});

/** A loader that fails after this number of samples, as if the process had been killed. */
function brokenAfter(loads: number) {
  let done = 0;
  return (index: number) => {
    if (++done > loads) throw new Error("killed");
    return trainData.clouds[index];
  };
}
