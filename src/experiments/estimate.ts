// Estimates the memory of a training run by a dry run of its steps, and its time by running a few of them.

import type { Device } from "../backends/device.ts";
import { type BatchRequest, loadBatch } from "../train/data/loading.ts";
import { BatchOrder } from "../train/data/order.ts";
import { evaluate } from "../train/evaluate.ts";
import { fit } from "../train/fit.ts";
import { AdamW } from "../train/optimizer/adamw.ts";
import type { DataSet } from "../train/task.ts";
import type { Experiment, ExperimentOptions } from "./experiment.ts";
import { type ExperimentRun, fitOptions } from "./run.ts";

/** Bytes of device memory. */
export interface TrainingMemory {
  /** Weights and running statistics. */
  model: number;
  /** Gradients, and the optimiser's moments. */
  optimizer: number;
  /** The peak, which includes the above. */
  peak: number;
}

/** Times in milliseconds. */
export interface TrainingTime {
  step: number;
  /** The time of each validation; 0 if there is none. */
  validation: number;
  validations: number;
  /** The time of the whole run with its test. */
  total: number;
}

/** The number of batches in the estimate: clouds differ in size. */
const BATCHES = 3;
/** The number of steps that are timed if they are slow; quick steps are timed in larger groups. */
const SLOW_STEPS = 4;
const QUICK_STEPS = 40;
/** Steps that take longer than this many milliseconds are slow. */
const SLOW = 200;

/**
 * Estimates the memory of a run's first batches, and returns the estimate of the largest.
 * @throws OutOfMemoryError if a single tensor would not fit
 */
export async function estimateRunMemory(
  experiment: Experiment,
  { model: trained, trainData }: ExperimentRun,
  options: ExperimentOptions,
): Promise<TrainingMemory> {
  const { batchSize, seed, shuffle } = options;
  const order = new BatchOrder(trainData.size, batchSize, seed, shuffle);
  const estimates: TrainingMemory[] = [];
  for (let i = 0; i < Math.min(BATCHES, order.batchesPerEpoch); i++) {
    estimates.push(
      await stepMemory(experiment, trained.device.dryRun(), {
        config: JSON.parse(trained.metadata().config ?? "{}") as Record<string, unknown>,
        data: trainData,
        request: { seed, ...order.batch(i) },
        options,
      }),
    );
  }
  return estimates.reduce((most, estimate) => (estimate.peak > most.peak ? estimate : most));
}

interface BatchQuestion {
  /** The main model's. */
  config: Record<string, unknown>;
  data: DataSet<unknown>;
  request: BatchRequest;
  options: ExperimentOptions;
}

async function stepMemory(
  experiment: Experiment,
  device: Device,
  { config, data, request, options }: BatchQuestion,
): Promise<TrainingMemory> {
  const { memory } = device;
  const model = experiment.build(config).initialize({ device });
  const task = experiment.task(model, options);
  const weights = memory.current;
  const optimizer = new AdamW(model.parameters(), fitOptions(options).optimizer);
  model.train();
  // The optimiser holds the weights, packed into its own allocation.
  const kept = memory.current;
  const loss = await task.loss(await loadBatch(data, task, request));
  await loss.backward();
  optimizer.step({ loss });
  return { model: weights, optimizer: kept - weights, peak: memory.peak };
}

/** Times some of the run's own steps and batches. They change its model. */
export async function estimateRunTime(run: ExperimentRun, options: ExperimentOptions): Promise<TrainingTime> {
  const { steps, validateEvery, batchSize } = options;
  const slow = await timeSteps(run, options, SLOW_STEPS, 1);
  const step = slow < SLOW ? await timeSteps(run, options, QUICK_STEPS, QUICK_STEPS / 2) : slow;
  const timeSplit = async (data: DataSet<unknown> | undefined) => {
    if (!data) return 0;
    const some = { ...data, size: Math.min(data.size, BATCHES * batchSize) };
    const begun = performance.now();
    await evaluate({ device: run.model.device, task: run.task, data: some, batchSize });
    return ((performance.now() - begun) * data.size) / some.size;
  };
  run.model.eval();
  const validation = await timeSplit(run.validationData);
  const validations = run.validationData ? Math.ceil(steps / validateEvery) : 0;
  const total = steps * step + validations * validation + (await timeSplit(run.testData));
  return { step, validation, validations, total };
}

/** Returns the milliseconds of a step: the mean over the last `logEvery`. */
async function timeSteps(
  { model, task, trainData }: ExperimentRun,
  options: ExperimentOptions,
  steps: number,
  logEvery: number,
): Promise<number> {
  let stepsPerSecond = 0;
  await fit({
    ...fitOptions(options),
    ...{ model, task, trainData, steps, logEvery },
    validateEvery: undefined,
    patience: undefined,
    saveEvery: undefined,
    onProgress: (progress) => {
      stepsPerSecond = progress.stepsPerSecond;
    },
  });
  return 1000 / stepsPerSecond;
}
