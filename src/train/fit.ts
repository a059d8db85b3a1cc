// The training loop.

import { describe, expectParts } from "../arguments.ts";
import { causeOf, type Device, Recoveries } from "../backends/index.ts";
import { ConfigError, NumericalError, OutOfMemoryError } from "../errors.ts";
import { loadSafetensors } from "../formats/safetensors.ts";
import { scale } from "../tensor/operators/functions.ts";
import { loadTraining, saveTraining, type TrainingProgress } from "./checkpoint.ts";
import { FitController } from "./control.ts";
import { Equipment } from "./equipment.ts";
import { evaluate, type Metrics } from "./evaluate.ts";
import type { FitOptions, FitResult } from "./fit-options.ts";
import { type BatchRequest, loadBatch } from "./loading.ts";
import type { LogEntry } from "./logger.ts";
import { MemoryPlanner, type Part } from "./memory-plan.ts";
import { BatchOrder } from "./order.ts";
import { Prefetch } from "./prefetch.ts";
import { learningRate } from "./schedules.ts";
import { Snapshots } from "./snapshots.ts";
import { type CheckpointStore, MemoryStore } from "./store.ts";
import type { DataSet } from "./task.ts";

/** The name of a run's newest checkpoint in its store. */
export const LAST_CHECKPOINT = "last.safetensors";
/** The name of a run's weights with the lowest validation loss in its store. */
export const BEST_CHECKPOINT = "model.safetensors";

/**
 * Trains a model: shuffled batches, AdamW with a learning-rate schedule, validation, checkpoints, and a test at the end. A run that
 * was stopped or killed, and then resumed with the same store, gives the same bits as an uninterrupted one.
 *
 * Afterwards the model has the weights with the lowest validation loss (the averaged ones, if the optimiser keeps an average), or if
 * the run did not finish, those of its last step.
 *
 * A lost device does not end a run (`recover`), nor does a device with too little memory for a batch (`onPlan`).
 * @throws DeviceLostError if no device is left; OutOfMemoryError if not even one sample fits; NumericalError if a loss or gradient
 *   is not finite and the optimiser does not skip such steps: `details.tensor`, `details.step`; ConfigError, CheckpointError, and
 *   errors of the task
 */
export async function fit<Sample, Batch>(options: FitOptions<Sample, Batch>): Promise<FitResult> {
  const run = new Run(options);
  try {
    return await run.run();
  } finally {
    run.dispose();
  }
}

/** A batch: its samples, and the parts in which it is computed. */
interface Loaded<Batch> {
  request: BatchRequest;
  parts: Part<Batch>[];
}

/** The results of the steps since the last reading. */
interface StepsRead {
  /** The last of these steps. */
  step: number;
  losses: Float32Array;
  lr: number;
  /** The points of all steps of this call up to this one. */
  points: number;
  gradientNorm: number;
  /** Where the first value that was not finite was found. */
  tensor: string | undefined;
}

class Run<Sample, Batch> {
  readonly #options: FitOptions<Sample, Batch>;
  readonly #store: CheckpointStore;
  readonly #controller: FitController;
  readonly #accumulate: number;
  readonly #logEvery: number;
  readonly #snapshots = new Snapshots();
  readonly #recoveries = new Recoveries();
  readonly #planner: MemoryPlanner<Batch>;
  #on: Equipment | undefined;
  #progress: TrainingProgress;
  #firstStep = 0;
  #reading: Promise<void> = Promise.resolve();
  #prefetch: Prefetch<Loaded<Batch>> | undefined;
  #validation: Metrics | undefined;
  /** The number of skipped steps: before the first step on this device, before the newest snapshot, and in all. */
  #skippedBefore = 0;
  #skippedAtSnapshot = 0;
  #skipped = 0;
  /** The last step that was logged, by the kind of its entry: steps that are done again are not logged again. */
  readonly #logged: Partial<Record<LogEntry["kind"], number>> = {};
  /** The milliseconds for which the lost devices have waited for batches. */
  #waited = 0;
  #points = 0;
  #clock = { step: 0, time: 0, points: 0 };

  constructor(options: FitOptions<Sample, Batch>) {
    expectParts("fit", options, { model: "parameters", task: "prepare", trainData: "load" });
    const { schedule, seed = 0, accumulate = 1, logEvery = 10 } = options;
    for (const [field, value] of Object.entries({
      steps: options.steps,
      batchSize: options.batchSize,
      accumulate,
      logEvery,
    })) {
      if (Number.isInteger(value) && value >= 1) continue;
      throw new ConfigError(`${field} must be a whole number of at least 1, not ${describe(value)}`, { field });
    }
    this.#options = options;
    this.#accumulate = accumulate;
    this.#logEvery = logEvery;
    this.#store = options.store ?? new MemoryStore();
    this.#controller = options.controller ?? new FitController();
    this.#progress = { step: 0, batches: 0, seed, schedule, validated: 0, config: options.config };
    const { model, task, trainData, batchSize, onPlan } = options;
    const load = (request: BatchRequest) => options.loadBatch?.(request) ?? loadBatch(trainData, task, request);
    this.#planner = new MemoryPlanner(model, task, load, batchSize, onPlan);
  }

  async run(): Promise<FitResult> {
    const { signal, resume } = this.#options;
    const begun = performance.now();
    const stop = () => this.#controller.stop();
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    try {
      if (resume !== false) this.#snapshots.latest = await this.#store.load(LAST_CHECKPOINT);
      const { finished, test } = await this.#surviving(() => this.#train());
      const { step, best } = this.#progress;
      return {
        step,
        finished,
        best,
        validation: this.#validation,
        test,
        skipped: this.#skipped,
        recoveries: this.#recoveries.count,
        plan: this.#planner.plan,
        time: performance.now() - begun,
        treeWait: this.#treeWait,
      };
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  dispose(): void {
    this.#on?.dispose();
    this.#on = undefined;
  }

  get #recovers(): boolean {
    const { model, recover = true } = this.#options;
    return recover && model.moveTo !== undefined;
  }

  /** Does the work, and again from the newest snapshot whenever its device is lost. */
  async #surviving<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /**
   * Moves the run to a new device, or makes it need less memory.
   * @throws the error, if it has another cause, or the run cannot continue
   */
  async #recover(thrown: unknown): Promise<void> {
    const { model, onRecovery } = this.#options;
    const { latest } = this.#snapshots;
    if (!this.#recovers || !latest) throw thrown;
    // On a lost device, allocations may fail before the loss is reported.
    const error = thrown instanceof OutOfMemoryError ? await causeOf(thrown, model.device) : thrown;
    if (error instanceof OutOfMemoryError) {
      model.device.trim();
      if (!this.#planner.tighten()) throw this.#planner.explain(error);
      this.dispose();
      return;
    }
    const move = (device: Device) => {
      this.dispose();
      model.moveTo!(device, loadSafetensors(latest).tensors);
    };
    await this.#recoveries.survive(error, model.device, move, onRecovery);
  }

  /** Trains from the newest snapshot, or from the model as it is, if there is none. */
  async #train(): Promise<{ finished: boolean; test?: Metrics }> {
    const { model, schedule } = this.#options;
    this.#on = new Equipment(model, {
      optimizer: { ...this.#options.optimizer, lr: learningRate(schedule, 0) },
      logEvery: this.#logEvery,
      accumulate: this.#accumulate,
    });
    const { latest } = this.#snapshots;
    if (latest) this.#restore(latest);
    else if (this.#recovers) await this.#snapshots.take(() => this.#encode());
    model.train();
    this.#clock = { step: this.#progress.step, time: performance.now(), points: this.#points };
    const trained = await this.#steps();
    await this.#settle();
    await this.#save();
    const finished = trained ? await this.#unlessStopped(() => this.#finish()) : undefined;
    return { finished: finished !== undefined, test: finished?.test };
  }

  #restore(bytes: Uint8Array): void {
    const saved = loadTraining(bytes, this.#options.model, this.#on!.optimizer, LAST_CHECKPOINT);
    this.#progress = {
      ...this.#progress,
      step: saved.step,
      batches: saved.batches,
      seed: saved.seed,
      // Earlier versions wrote their checkpoints after the validation.
      validated: saved.validated ?? saved.step,
      best: saved.best,
    };
    this.#firstStep = saved.step;
    this.#skippedBefore = this.#skippedAtSnapshot;
    this.#skipped = this.#skippedBefore;
    this.#reading = Promise.resolve();
  }

  #encode(): Promise<Uint8Array<ArrayBuffer>> {
    return saveTraining(this.#options.model, this.#on!.optimizer, this.#progress);
  }

  get #treeWait(): number {
    return this.#waited + (this.#prefetch?.idle ?? 0);
  }

  /** @returns whether the last step was reached */
  async #steps(): Promise<boolean> {
    const { steps, saveEvery } = this.#options;
    const { pace } = this.#on!;
    const progress = this.#progress;
    // The last call may have been stopped while it validated.
    if (!(await this.#validateIfDue())) return false;
    this.#waited = this.#treeWait;
    this.#prefetch = this.#prefetchBatches((steps - progress.step) * this.#accumulate);
    while (progress.step < steps) {
      await pace.next();
      await this.#controller.whileRunning();
      if (this.#controller.stopped) return false;
      await this.#callBeforeStep();
      await this.#step();
      pace.began();
      const { step } = progress;
      if (step % this.#logEvery === 0) {
        await this.#read();
        await this.#snapshotIfDue();
      }
      if (!(await this.#validateIfDue())) return false;
      if (saveEvery && step % saveEvery === 0 && step < steps) {
        await this.#settle();
        await this.#save();
      }
    }
    return true;
  }

  async #callBeforeStep(): Promise<void> {
    const { beforeStep, model } = this.#options;
    if (!beforeStep) return;
    await beforeStep(this.#progress.step);
    model.train();
  }

  #prefetchBatches(count: number): Prefetch<Loaded<Batch>> {
    const { model, trainData, batchSize, prefetch = 2, shuffle } = this.#options;
    const { seed, batches } = this.#progress;
    const order = new BatchOrder(trainData.size, batchSize, seed, shuffle);
    const make = async (index: number) => {
      const request = { seed, ...order.batch(index) };
      return { request, parts: await this.#planner.prepare(request) };
    };
    return new Prefetch(model.device, make, batches, batches + count, prefetch);
  }

  async #step(): Promise<void> {
    const { task, schedule, maxNorm } = this.#options;
    const { optimizer, losses, share: whole } = this.#on!;
    const progress = this.#progress;
    for (let i = 0; i < this.#accumulate; i++) {
      const { request, parts } = await this.#prefetch!.next();
      const fitting = await this.#planner.fit(request, parts);
      const shares = this.#planner.shares(fitting);
      for (const [p, { batch }] of fitting.entries()) {
        this.#points += task.points?.(batch) ?? 0;
        using found = await task.loss(batch);
        using loss = shares[p] === 1 ? found.view() : scale(found, shares[p]!);
        losses.add(loss);
        using share = whole.detach(loss.shape);
        await loss.backward(share);
      }
    }
    optimizer.lr = learningRate(schedule, progress.step);
    optimizer.step({ loss: losses.current, maxNorm });
    optimizer.zeroGrad();
    losses.endStep();
    progress.step++;
    progress.batches += this.#accumulate;
  }

  /** Starts to read back the results of the steps since the last call, after the previous readback has finished. */
  async #read(): Promise<void> {
    await this.#reading;
    const { step } = this.#progress;
    const { optimizer, losses: log } = this.#on!;
    const { lr } = optimizer;
    const points = this.#points;
    const found = Promise.all([log.read(), optimizer.check()]);
    this.#reading = found.then(
      async ([losses, { skipped, tensor, gradientNorm }]) => {
        this.#skipped = this.#skippedBefore + skipped;
        if (losses.length > 0) await this.#report({ step, losses, lr, points, gradientNorm, tensor });
      },
      (error) => {
        throw error instanceof NumericalError ? this.#explain(error) : error;
      },
    );
    // The error is handled where the next reading awaits this one.
    this.#reading.catch(() => {});
  }

  /** Waits until all steps so far are done and known to be finite. */
  async #settle(): Promise<void> {
    await this.#read();
    await this.#reading;
  }

  /** Copies the run to the host, if it is time and all steps so far are known to be finite. */
  async #snapshotIfDue(): Promise<void> {
    if (!this.#recovers || !this.#snapshots.due) return;
    await this.#settle();
    await this.#snapshots.take(() => this.#encode());
    this.#progressed();
  }

  /** Called after a snapshot: if the device is lost from now on, only the steps after the snapshot are done again. */
  #progressed(): void {
    this.#skippedAtSnapshot = this.#skipped;
    this.#recoveries.progressed();
  }

  /** Logs an entry, unless one of its kind was logged for this step before. */
  async #log(entry: LogEntry): Promise<void> {
    if (entry.step <= (this.#logged[entry.kind] ?? -1)) return;
    await this.#options.logger?.log(entry);
    this.#logged[entry.kind] = entry.step;
  }

  /** Makes an error with the step of the run; the optimiser only counts its own calls since the last resumption. */
  #explain(cause: NumericalError): NumericalError {
    const { tensor, call } = cause.details as { tensor: string; call: number };
    const step = this.#firstStep + call;
    const what = tensor === "loss" ? "the loss" : `the gradient of ${tensor}`;
    return new NumericalError(
      `${what} is not finite at step ${step}: the weights are as they were before it. Lower the learning rate, clip the gradients (maxNorm), or skip such steps (onNonFinite: "skip")`,
      { tensor, step },
      { cause },
    );
  }

  async #report({ step, losses, lr, points, gradientNorm, tensor }: StepsRead): Promise<void> {
    const { steps, task, onProgress } = this.#options;
    const again = step <= (this.#logged.training ?? -1);
    const now = performance.now();
    const perSecond = (count: number) => (1000 * count) / Math.max(now - this.#clock.time, 1e-3);
    const stepsPerSecond = perSecond(step - this.#clock.step);
    const pointsPerSecond = task.points && perSecond(points - this.#clock.points);
    this.#clock = { step, time: now, points };
    // Skipped steps do not count, because their losses may not be finite.
    const sound = losses.filter(Number.isFinite);
    const mean = sound.reduce((sum, value) => sum + value, 0) / sound.length;
    const loss = sound.at(-1) ?? mean;
    await this.#log({
      kind: "training",
      step,
      loss,
      ...(sound.length > 1 && { mean }),
      lr,
      // JSON cannot represent a norm that is not finite.
      ...(Number.isFinite(gradientNorm) && { gradientNorm }),
      stepsPerSecond,
      ...(pointsPerSecond && { pointsPerSecond }),
      ...(tensor && { skipped: tensor }),
    });
    if (again) return;
    onProgress?.({
      step,
      steps,
      loss: mean,
      lr,
      gradientNorm,
      stepsPerSecond,
      pointsPerSecond,
      secondsLeft: (steps - step) / stepsPerSecond,
      skipped: this.#skipped,
      treeWait: this.#treeWait,
      validation: this.#validation,
    });
  }

  /** @returns false if it was stopped before its end */
  async #validateIfDue(): Promise<boolean> {
    const { steps, validationData, validateEvery } = this.#options;
    const { step, validated } = this.#progress;
    const due = step === steps || (validateEvery !== undefined && step > 0 && step % validateEvery === 0);
    if (!validationData || !due || validated === step) return true;
    await this.#settle();
    const done = await this.#unlessStopped(async () => {
      await this.#validate();
      return true;
    });
    return done ?? false;
  }

  /** Returns undefined if the run was stopped meanwhile. */
  async #unlessStopped<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#controller.stopped && error === this.#controller.signal.reason) return undefined;
      throw error;
    }
  }

  async #validate(): Promise<void> {
    const { model, validationData } = this.#options;
    const { step, best } = this.#progress;
    const started = performance.now();
    await this.#withBestGuess(async () => {
      this.#validation = await this.#evaluate(validationData!);
      const { loss } = this.#validation;
      if (loss === undefined) throw new ConfigError("the task's metrics have no loss", { field: "metrics" });
      this.#progress.validated = step;
      if (best && !(loss < best.loss)) return;
      this.#progress.best = { step, loss };
      await this.#store.save(BEST_CHECKPOINT, await model.save());
    });
    await this.#log({ kind: "validation", step, ...this.#validation });
    this.#clock.time += performance.now() - started;
  }

  async #evaluate(data: DataSet<Sample>): Promise<Metrics> {
    const { model, task, batchSize, prefetch } = this.#options;
    model.eval();
    try {
      const { seed } = this.#progress;
      const { signal } = this.#controller;
      return await evaluate({ device: model.device, task, data, batchSize, prefetch, seed, signal });
    } finally {
      model.train();
    }
  }

  /** Runs work with the averaged weights, if the optimiser keeps an average. */
  #withBestGuess<Result>(work: () => Promise<Result>): Promise<Result> {
    const { optimizer } = this.#on!;
    return optimizer.averageDecay === undefined ? work() : optimizer.withAverage(work);
  }

  async #save(): Promise<void> {
    const bytes = await this.#snapshots.take(() => this.#encode());
    this.#progressed();
    await this.#store.save(LAST_CHECKPOINT, bytes);
  }

  /** Gives the model the best weights, stores them unless the validation has stored them, and tests them. */
  async #finish(): Promise<{ test?: Metrics }> {
    const { model, testData } = this.#options;
    const { step, best } = this.#progress;
    if (best) {
      const bytes = await this.#store.load(BEST_CHECKPOINT);
      if (bytes) model.restore(loadSafetensors(bytes, { file: BEST_CHECKPOINT }).tensors, BEST_CHECKPOINT);
    } else if (this.#on!.optimizer.averageDecay !== undefined) {
      const averaged = await this.#on!.optimizer.withAverage(() => model.save());
      model.restore(loadSafetensors(averaged).tensors);
    }
    if (!best) await this.#store.save(BEST_CHECKPOINT, await model.save());
    if (!testData) return {};
    const test = await this.#evaluate(testData);
    await this.#log({ kind: "test", step, ...test });
    return { test };
  }
}
