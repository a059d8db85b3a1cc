// What an experiment is: a model, samples, and how they are compared; `train` and the pages run any of them.

import type { Device } from "../backends/device.ts";
import type { ErwinTransformer } from "../erwin/model.ts";
import type { DataSet, Task } from "../train/task.ts";

export interface ExperimentOptions {
  device: Device;
  /** Of the initial weights, the samples and their order. */
  seed: number;
  /** Whether every second block sees the rotated tree. */
  rotate: boolean;
}

/** All that a run needs. `Sample` and `Batch` are the experiment's own business. */
export interface ExperimentRun<Sample = unknown, Batch = unknown> {
  model: ErwinTransformer;
  task: Task<Sample, Batch>;
  trainData: DataSet<Sample>;
  validationData?: DataSet<Sample>;
  testData?: DataSet<Sample>;
}

export interface Experiment {
  /** One line. */
  summary: string;
  /** Used unless the user says otherwise. */
  defaults: { steps: number; batchSize: number; lr: number; minLr: number; warmup: number; validateEvery: number };
  /** What a loss means here: the loss of the trivial predictor is `trivialLoss`. */
  trivialLoss: number;
  make(options: ExperimentOptions): Promise<ExperimentRun>;
}
