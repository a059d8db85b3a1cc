// The options, the progress reports and the result of a training.

import type { RecoveryListener } from "../backends/index.ts";
import type { CheckpointStore } from "./checkpoints/store.ts";
import type { FitController } from "./control.ts";
import type { BatchRequest } from "./data/loading.ts";
import type { Metrics } from "./evaluate.ts";
import type { Logger } from "./logger.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import type { LearningRates, Schedule } from "./optimizer/schedules.ts";
import type { AdamWOptions } from "./optimizer/settings.ts";
import type { DataSet, Task, Trainable } from "./task.ts";

/** What to train on, for how long, and who receives reports. */
export interface FitOptions<Sample, Batch> {
  model: Trainable;
  task: Task<Sample, Batch>;
  trainData: DataSet<Sample> | readonly Sample[];
  validationData?: DataSet<Sample> | readonly Sample[];
  /** The data of the test at the end, with the best weights. */
  testData?: DataSet<Sample> | readonly Sample[];
  /** The number of steps of the whole run. */
  steps: number;
  batchSize: number;
  /** The learning rate of each step. A function, of the steps done, is called anew by a run that is resumed, and not stored. */
  schedule: Schedule | LearningRates;
  /** The options of AdamW, but for its `lr`: the rate of every step is the schedule's, and one that is given here has no effect. */
  optimizer?: Omit<AdamWOptions, "lr">;
  /** The number of batches whose gradients are averaged before each step. Default 1. */
  accumulate?: number;
  /** Gradients are clipped to this global norm. Default: no clipping. */
  maxNorm?: number;
  /** The seed of the order of samples. Default 0. */
  seed?: number;
  /** Whether samples are shuffled in each epoch; otherwise they are taken by their index, round and round. Default true. */
  shuffle?: boolean;
  /** The number of steps between validations; there is always one at the end. Default: only at the end. */
  validateEvery?: number;
  /**
   * Early stopping: the run ends after this many validations in a row without a lower loss than before them, as one that has done all
   * its steps. It needs `validationData` and `validateEvery`. Default: it goes on.
   */
  patience?: number;
  /**
   * The number of steps between checkpoints; there is also one when 30 seconds have passed since the last (longer, if one takes
   * more than a second and a half) or `controller.checkpoint()` was called, with the next losses that are logged, and one at the
   * end. Default: only at the end.
   */
  saveEvery?: number;
  /** The number of steps after which losses are read back, logged and reported. Default 10. */
  logEvery?: number;
  /** Receives the last checkpoint, for resuming, and the best weights (without validation, the final ones). Default: in memory. */
  store?: CheckpointStore;
  /** Whether to resume from the store's last checkpoint, if there is one. Default true. */
  resume?: boolean;
  logger?: Logger;
  /**
   * Called before each step with the number of steps done; the step waits for it. The model may be evaluated in it, and is in
   * training mode again afterwards: this does not change the run's results.
   */
  beforeStep?: (step: number) => void | Promise<void>;
  onProgress?: (progress: FitProgress) => void;
  controller?: FitController;
  /** Stops the run like `controller.stop()`. */
  signal?: AbortSignal;
  /** The number of batches prepared ahead. Default 2. */
  prefetch?: number;
  /**
   * Makes a batch from the requested samples, as `task.prepare` would from those of `trainData`, for example in other threads. If
   * memory is short, parts of batches are requested. Default: in this thread.
   */
  loadBatch?: (request: BatchRequest) => Promise<Batch>;
  /** A description of the run, stored in the checkpoints. */
  config?: unknown;
  /**
   * Whether the run continues when its device is lost: on a new device of the same kind, from the newest copy on the host. A copy
   * is made whenever the time since the last one is about a hundred times as long as making one takes. The steps since the copy are
   * done again with the same results, and are not logged twice. If two new devices are lost before the run gets any further, or
   * there is no new device, the run continues on the CPU backend, whose results differ within rounding. The model is then on the
   * new device (`model.device`), which is disposed with the lost one. Default true, for models with `moveTo`; false: the run ends
   * with DeviceLostError.
   */
  recover?: boolean;
  /**
   * Called when the plan changes because batches do not fit into the device's memory: first to gradient checkpointing, which
   * changes no bits, then to parts whose gradients add up, which changes the order of sums (and, for models with BatchNorm, the
   * statistics). If the device was given a limit (`maxMemoryBytes`), this is planned before a batch is computed; otherwise the plan
   * changes when a batch fails, and the run continues from its last copy on the host.
   */
  onPlan?: (plan: MemoryPlan) => unknown;
  /** Receives each device that replaces a lost one. Without it, a change to the CPU backend is written to the console. */
  onRecovery?: RecoveryListener;
}

/** The names of options that are plain data, which a worker takes, too. */
export const plainFitOptionNames = {
  steps: true,
  batchSize: true,
  schedule: true,
  optimizer: true,
  accumulate: true,
  maxNorm: true,
  seed: true,
  validateEvery: true,
  patience: true,
  saveEvery: true,
  logEvery: true,
} as const satisfies Partial<Record<keyof FitOptions<never, never>, true>>;

/** All names of the options, and the types of those that any value would seem to fit. */
export const fitOptionNames: Readonly<Record<keyof FitOptions<never, never>, true | "boolean" | "function">> = {
  ...plainFitOptionNames,
  model: true,
  task: true,
  trainData: true,
  validationData: true,
  testData: true,
  shuffle: "boolean",
  store: true,
  resume: "boolean",
  logger: true,
  beforeStep: "function",
  onProgress: "function",
  controller: true,
  signal: true,
  prefetch: true,
  loadBatch: "function",
  config: true,
  recover: "boolean",
  onPlan: "function",
  onRecovery: "function",
};

/** The state of a training, as `onProgress` receives it. */
export interface FitProgress {
  /** The number of steps done, and of the whole run. */
  step: number;
  steps: number;
  /** The mean over the last steps. It is up to `logEvery` steps old, because it is read back while the device continues. */
  loss: number;
  lr: number;
  stepsPerSecond: number;
  secondsLeft: number;
  /** The global norm of the last step's gradients without the loss scale, before they were clipped. */
  gradientNorm: number;
  /** The scale of the next loss; absent if the optimiser has none (`optimizer.lossScale`). */
  lossScale?: number;
  /** The points of all clouds per second; undefined if the task does not count points. */
  pointsPerSecond?: number;
  /** The number of steps skipped because of a NaN or an infinity, those that made a dynamic loss scale smaller included. */
  skipped: number;
  /** The milliseconds for which the device has waited for batches: samples, trees and graphs. */
  treeWait: number;
  /** The latest validation. */
  validation?: Metrics;
}

/** How a training has ended. */
export interface FitResult {
  /** The number of steps done. */
  step: number;
  /** False if the run was stopped before the last step; not if `patience` has ended it. */
  finished: boolean;
  best?: { step: number; loss: number };
  validation?: Metrics;
  /** The test's metrics with the best weights. */
  test?: Metrics;
  skipped: number;
  /** The number of lost devices that the run survived. */
  recoveries: number;
  /** How batches were computed at the end. */
  plan: MemoryPlan;
  /** The total milliseconds, and those for which the device waited for batches. */
  time: number;
  treeWait: number;
}
