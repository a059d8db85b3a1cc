// What training will take before any of it is done: memory, by a dry run of the very steps, and time, by a few of them.

import type { Device } from "../backends/device.ts";
import { Random } from "../random.ts";
import { AdamW } from "../train/adamw.ts";
import { evaluate } from "../train/evaluate.ts";
import { fit } from "../train/fit.ts";
import { BatchOrder } from "../train/order.ts";
import type { DataSet } from "../train/task.ts";
import type { Experiment, ExperimentOptions } from "./experiment.ts";
import { type ExperimentRun, fitOptions } from "./run.ts";

/** Bytes of device memory. */
export interface TrainingMemory {
  /** Weights and running statistics. */
  model: number;
  /** Gradients, and what AdamW keeps. */
  optimizer: number;
  /** The most at any time, these included. */
  peak: number;
}

/** Milliseconds. */
export interface TrainingTime {
  step: number;
  /** Each validation; 0 where there is none. */
  validation: number;
  validations: number;
  /** Of the whole run, its test included. */
  total: number;
}

/** Batches that are looked at: clouds differ in size. */
const BATCHES = 3;
/** Steps that are timed by themselves; where they are quick, more are timed together. */
const SLOW_STEPS = 4;
const QUICK_STEPS = 40;
/** Milliseconds of a step that is not quick. */
const SLOW = 200;

/**
 * The memory of a run's first batches, whichever takes most.
 * @throws OutOfMemoryError where a single tensor would not fit
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
    const { epoch, samples } = order.batch(i);
    const load = (sample: number) =>
      trainData.load(sample, new Random(seed, `epoch ${epoch}, sample ${sample}`), epoch);
    estimates.push(
      await stepMemory(experiment, trained.device.dryRun(), {
        config: JSON.parse(trained.metadata().config ?? "{}") as Record<string, unknown>,
        samples: await Promise.all(samples.map(load)),
        options,
      }),
    );
  }
  return estimates.reduce((most, estimate) => (estimate.peak > most.peak ? estimate : most));
}

async function stepMemory(
  experiment: Experiment,
  device: Device,
  { config, samples, options }: { config: Record<string, unknown>; samples: unknown[]; options: ExperimentOptions },
): Promise<TrainingMemory> {
  const { memory } = device;
  const model = experiment.build(config).initialize({ device });
  const task = experiment.task(model, options);
  const weights = memory.current;
  const optimizer = new AdamW(model.parameters(), {});
  model.train();
  // Packed, the weights are the optimiser's.
  const kept = memory.current;
  const loss = await task.loss(await task.prepare(samples));
  await loss.backward();
  optimizer.step({ loss });
  return { model: weights, optimizer: kept - weights, peak: memory.peak };
}

/** Times some steps and batches of the run's own; its model is no longer what it was afterwards. */
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

/** Milliseconds of a step: the mean over the last `logEvery`. */
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
    saveEvery: undefined,
    onProgress: (progress) => {
      stepsPerSecond = progress.stepsPerSecond;
    },
  });
  return 1000 / stepsPerSecond;
}
