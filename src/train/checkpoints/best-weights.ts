// Finds the weights with the lowest validation loss, keeps them in the run's store, and tests them at the end.

import { ConfigError } from "../../errors.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import type { FitController } from "../control.ts";
import { evaluate, type Metrics } from "../evaluate.ts";
import type { FitOptions } from "../fit-options.ts";
import type { AdamW } from "../optimizer/adamw.ts";
import type { Reporter } from "../reporter.ts";
import type { DataSet } from "../task.ts";
import type { TrainingProgress } from "./checkpoint.ts";
import { BEST_CHECKPOINT, type CheckpointStore } from "./store.ts";

export class BestWeights<Sample, Batch> {
  #validation: Metrics | undefined;

  constructor(
    readonly options: FitOptions<Sample, Batch>,
    readonly store: CheckpointStore,
    readonly controller: FitController,
    readonly reporter: Reporter,
  ) {}

  /** The latest validation. */
  get validation(): Metrics | undefined {
    return this.#validation;
  }

  /** Whether the model is to be validated after the steps done. */
  isDue({ step, validated }: TrainingProgress): boolean {
    const { steps, validationData, validateEvery } = this.options;
    const due = step === steps || (validateEvery !== undefined && step > 0 && step % validateEvery === 0);
    return validationData !== undefined && due && validated !== step;
  }

  /** Whether so many validations have found no lower loss that the run is to end. */
  hasEnough({ validated = 0, best }: TrainingProgress): boolean {
    const { patience = Number.POSITIVE_INFINITY, validateEvery = 1 } = this.options;
    return validated - (best?.step ?? 0) >= patience * validateEvery;
  }

  /** Validates the model, notes it in the progress, and stores the weights if they are the best so far. */
  async validate(progress: TrainingProgress, optimizer: AdamW): Promise<void> {
    const { model, validationData } = this.options;
    const { step, best } = progress;
    const started = performance.now();
    const work = async () => {
      this.#validation = await this.#evaluate(validationData!, progress);
      const { loss } = this.#validation;
      if (loss === undefined) throw new ConfigError("the task's metrics have no loss", { field: "metrics" });
      progress.validated = step;
      // What is not finite is never the best: nothing would be better than NaN.
      if (!(loss < (best?.loss ?? Number.POSITIVE_INFINITY))) return;
      progress.best = { step, loss };
      await this.store.save(BEST_CHECKPOINT, await model.save());
    };
    // The averaged weights are the best guess, if the optimiser keeps an average.
    await (optimizer.averageDecay === undefined ? work() : optimizer.withAverage(work));
    await this.reporter.log({ kind: "validation", step, ...this.#validation });
    this.reporter.leaveOut(performance.now() - started);
  }

  /** Gives the model the best weights, stores them unless the validation has stored them, and tests them. */
  async finish(progress: TrainingProgress, optimizer: AdamW): Promise<{ test?: Metrics }> {
    const { model, testData } = this.options;
    const { step, best } = progress;
    if (best) {
      const bytes = await this.store.load(BEST_CHECKPOINT);
      if (bytes) model.restore(loadSafetensors(bytes, { file: BEST_CHECKPOINT }).tensors, BEST_CHECKPOINT);
    } else if (optimizer.averageDecay !== undefined) {
      const averaged = await optimizer.withAverage(() => model.save());
      model.restore(loadSafetensors(averaged).tensors);
    }
    if (!best) await this.store.save(BEST_CHECKPOINT, await model.save());
    if (!testData) return {};
    const test = await this.#evaluate(testData, progress);
    await this.reporter.log({ kind: "test", step, ...test });
    return { test };
  }

  async #evaluate(data: DataSet<Sample> | readonly Sample[], { seed }: TrainingProgress): Promise<Metrics> {
    const { model, task, batchSize, prefetch } = this.options;
    const { signal } = this.controller;
    model.eval();
    try {
      return await evaluate({ device: model.device, task, data, batchSize, prefetch, seed, signal });
    } finally {
      model.train();
    }
  }
}
