// The training loop.

import { expectSignal } from "../abort.ts";
import { checkOptions, expectParts, expectWhole } from "../arguments/options.ts";
import { causeOf, type Device, Recoveries } from "../backends/index.ts";
import { ConfigError, InputError, OutOfMemoryError } from "../errors.ts";
import { loadSafetensors } from "../formats/safetensors/safetensors.ts";
import { Random } from "../random.ts";
import { backward } from "../tensor/backward.ts";
import { scale } from "../tensor/operators/functions.ts";
import { register, scope } from "../tensor/scopes.ts";
import { Tensor } from "../tensor/tensor.ts";
import { BestWeights } from "./checkpoints/best-weights.ts";
import { loadTraining, saveTraining, type TrainingProgress } from "./checkpoints/checkpoint.ts";
import { Snapshots } from "./checkpoints/snapshots.ts";
import { type CheckpointStore, LAST_CHECKPOINT, MemoryStore } from "./checkpoints/store.ts";
import { FitController, unlessStopped } from "./control.ts";
import { type BatchRequest, loadBatch } from "./data/loading.ts";
import { BatchOrder } from "./data/order.ts";
import { PREFETCH, Prefetch } from "./data/prefetch.ts";
import { Equipment } from "./equipment.ts";
import type { Metrics } from "./evaluate.ts";
import { type FitOptions, type FitResult, fitOptionNames } from "./fit-options.ts";
import { MemoryPlanner, type Part } from "./memory-plan.ts";
import { learningRate } from "./optimizer/schedules.ts";
import { Readback } from "./readback.ts";
import { Reporter } from "./reporter.ts";
import { type DataSet, dataSetOf } from "./task.ts";

/**
 * Trains a model: shuffled batches, AdamW with a learning-rate schedule, validation, checkpoints, and a test at the end. A run that
 * was stopped or killed, and then resumed with the same store, gives the same bits as an uninterrupted one.
 *
 * Afterwards the model has the weights with the lowest validation loss (the averaged ones, if the optimiser keeps an average), or if
 * the run did not finish, those of its last step. Its mode is then as it was before: evaluation mode, unless it was set to training mode.
 *
 * A lost device does not end a run (`recover`), nor does a device with too little memory for a batch (`onPlan`).
 * @throws DeviceLostError if no device is left; OutOfMemoryError if not even one sample fits; NumericalError if a loss or gradient
 *   is not finite and the optimiser does not skip such steps: `details.tensor`, `details.step`; ConfigError, CheckpointError, and
 *   errors of the task
 */
export async function fit<Sample, Batch>(options: FitOptions<Sample, Batch>): Promise<FitResult> {
  const run = new Run(options);
  const { training } = options.model;
  try {
    return await run.run();
  } finally {
    run.dispose();
    if (!training) options.model.eval();
  }
}

/** The most milliseconds between checkpoints of a run that saves any: about what is lost when it ends without warning. */
const SAVE_MS = 30_000;

/** The milliseconds between them are at least as many times those that one takes, so that large models are not slowed down. */
const SAVE_SHARE = 20;

/** A batch: its samples, and the parts in which it is computed. */
interface Loaded<Batch> {
  request: BatchRequest;
  parts: Part<Batch>[];
}

class Run<Sample, Batch> {
  readonly #options: FitOptions<Sample, Batch> & { trainData: DataSet<Sample> };
  readonly #store: CheckpointStore;
  readonly #controller: FitController;
  readonly #accumulate: number;
  readonly #logEvery: number;
  readonly #snapshots = new Snapshots();
  readonly #recoveries = new Recoveries();
  readonly #planner: MemoryPlanner<Batch>;
  readonly #reporter: Reporter;
  readonly #readback: Readback;
  readonly #best: BestWeights<Sample, Batch>;
  #on: Equipment | undefined;
  #progress: TrainingProgress;
  #prefetch: Prefetch<Loaded<Batch>> | undefined;
  /** The milliseconds for which the lost devices have waited for batches. */
  #waited = 0;
  #points = 0;
  /** When the next checkpoint is due, if none was made by then. */
  #due = performance.now() + SAVE_MS;

  constructor(options: FitOptions<Sample, Batch>) {
    checkOptions("fit", options, fitOptionNames);
    expectParts("fit", options, "model.parameters", "task.prepare", "task.loss");
    expectSignal(options.signal);
    const {
      schedule,
      seed = 0,
      accumulate = 1,
      logEvery = 10,
      validateEvery = 1,
      saveEvery = 1,
      patience = 1,
    } = options;
    const { steps, prefetch = PREFETCH } = options;
    const counts = { steps, batchSize: options.batchSize, accumulate, logEvery, validateEvery, saveEvery, patience };
    for (const [field, value] of Object.entries(counts)) expectWhole(field, value, 1);
    expectWhole("prefetch", prefetch, 0);
    if (options.patience && !(options.validationData && options.validateEvery)) {
      throw new ConfigError("patience counts validations: give validationData and validateEvery, too", {
        field: "patience",
      });
    }
    for (const field of ["validationData", "testData"] as const) {
      const data = options[field];
      if (data && !(dataSetOf(field, data).size >= 1))
        throw new ConfigError(`${field} has no samples: leave it out`, { field });
    }
    const trainData = dataSetOf("trainData", options.trainData);
    this.#options = { ...options, trainData };
    this.#accumulate = accumulate;
    this.#logEvery = logEvery;
    const { store = new MemoryStore(), controller = new FitController(), logger = console } = options;
    expectParts("fit", { store, controller, logger }, "store.load", "store.save", "controller.stop", "logger.log");
    this.#store = store;
    this.#controller = controller;
    this.#progress = { step: 0, batches: 0, seed, schedule, validated: 0, config: options.config };
    const { model, task, batchSize, onPlan } = options;
    const load = (request: BatchRequest) => options.loadBatch?.(request) ?? loadBatch(trainData, task, request);
    this.#planner = new MemoryPlanner(model, task, load, batchSize, onPlan);
    this.#reporter = new Reporter(options, task.points !== undefined, () => ({
      skipped: this.#readback.skipped,
      treeWait: this.#treeWait,
      validation: this.#best.validation,
    }));
    this.#readback = new Readback((found) => this.#reporter.report(found));
    this.#best = new BestWeights(options, this.#store, this.#controller, this.#reporter);
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
        validation: this.#best.validation,
        test,
        skipped: this.#readback.skipped,
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
    this.#readback.begin(this.#on, this.#progress.step);
    this.#reporter.startClock(this.#progress.step, this.#points);
    const trained = await this.#steps();
    await this.#save();
    const finish = () => this.#best.finish(this.#progress, this.#on!.optimizer);
    const finished = trained ? await unlessStopped(this.#controller, finish) : undefined;
    return { finished: finished !== undefined, test: finished?.test };
  }

  #restore(bytes: Uint8Array): void {
    const saved = loadTraining(bytes, this.#options.model, this.#on!.optimizer, LAST_CHECKPOINT);
    const { schedule, config } = this.#progress;
    // Earlier versions wrote their checkpoints after the validation.
    this.#progress = { ...saved, schedule, config, validated: saved.validated ?? saved.step };
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
    while (progress.step < steps && !this.#best.hasEnough(progress)) {
      await pace.next();
      await this.#controller.whileRunning();
      if (this.#controller.stopped) return false;
      await this.#callBeforeStep();
      await this.#step();
      pace.began();
      const { step } = progress;
      const isLogged = step % this.#logEvery === 0;
      if (isLogged) {
        await this.#readback.read(step, this.#points);
        await this.#snapshotIfDue();
      }
      if (!(await this.#validateIfDue())) return false;
      // Only where losses are logged anyway, because a checkpoint at another step would be seen in the log.
      const isLate = isLogged && (this.#controller.takeCheckpoint() || performance.now() > this.#due);
      if (saveEvery && (isLate || step % saveEvery === 0) && step < steps) await this.#save();
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
    const { model, trainData, batchSize, prefetch = PREFETCH, shuffle } = this.#options;
    const { seed, batches } = this.#progress;
    const order = new BatchOrder(trainData.size, batchSize, seed, shuffle);
    const make = async (index: number) => {
      const request = { seed, ...order.batch(index) };
      return { request, parts: await this.#planner.prepare(request) };
    };
    return new Prefetch(model.device, make, batches, batches + count, prefetch);
  }

  async #step(): Promise<void> {
    const { model, task, schedule, maxNorm } = this.#options;
    const on = this.#on!;
    const { optimizer, losses } = on;
    const progress = this.#progress;
    for (let i = 0; i < this.#accumulate; i++) {
      const { request, parts } = await this.#prefetch!.next();
      const fitting = await this.#planner.fit(request, parts);
      model.reseed?.(new Random(progress.seed, `batch ${progress.batches + i}`).bits());
      const shares = this.#planner.shares(fitting);
      for (const [p, { batch }] of fitting.entries()) {
        this.#points += task.points?.(batch) ?? 0;
        const found = expectLoss(await task.loss(batch));
        scope(() => {
          register(found);
          const loss = shares[p] === 1 ? found : scale(found, shares[p]!);
          losses.add(loss);
          backward(loss, on.lossGradient(loss.shape));
          return undefined;
        });
      }
    }
    optimizer.lr = learningRate(schedule, progress.step);
    optimizer.step({ loss: losses.current, maxNorm });
    optimizer.zeroGrad();
    losses.endStep();
    progress.step++;
    progress.batches += this.#accumulate;
  }

  /** Waits until all steps so far are done and known to be finite. */
  async #settle(): Promise<void> {
    await this.#readback.settle(this.#progress.step, this.#points);
  }

  async #snapshotIfDue(): Promise<void> {
    if (this.#recovers && this.#snapshots.due) await this.#snapshot();
  }

  /**
   * Copies the run to the host, when all steps so far are known to be finite. If the device is lost from now on, only the steps after
   * it are done again.
   */
  async #snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    await this.#settle();
    const bytes = await this.#snapshots.take(() => this.#encode());
    this.#readback.keep();
    this.#recoveries.progressed();
    return bytes;
  }

  /** @returns false if it was stopped before its end */
  async #validateIfDue(): Promise<boolean> {
    const progress = this.#progress;
    if (!this.#best.isDue(progress)) return true;
    await this.#settle();
    const done = await unlessStopped(this.#controller, async () => {
      await this.#best.validate(progress, this.#on!.optimizer);
      return true;
    });
    return done ?? false;
  }

  async #save(): Promise<void> {
    const begun = performance.now();
    await this.#store.save(LAST_CHECKPOINT, await this.#snapshot());
    const ended = performance.now();
    this.#due = ended + Math.max(SAVE_MS, SAVE_SHARE * (ended - begun));
  }
}

/** @throws InputError if a task's loss is not a scalar; a tensor of another shape is freed */
function expectLoss(loss: Tensor): Tensor {
  if (loss instanceof Tensor && loss.size === 1) return loss;
  if (loss instanceof Tensor) loss.dispose();
  throw new InputError("task.loss must return a scalar: a Tensor of one number, as from mse", { tensor: "loss" });
}
