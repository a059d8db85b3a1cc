// Validation and test: a task's metrics over a data set, averaged over its clouds.

import { expectSignal } from "../abort.ts";
import { checkOptions, expectParts, expectWhole } from "../arguments/options.ts";
import type { Device } from "../backends/device.ts";
import { ConfigError } from "../errors.ts";
import { Random } from "../random.ts";
import { allInOrder } from "../serial.ts";
import { PREFETCH, Prefetch } from "./data/prefetch.ts";
import { Pace } from "./pace.ts";
import { type BatchDetails, type DataSet, dataSetOf, type Measured, type Task } from "./task.ts";

/** What an evaluation has found, by name: `loss`, and what else the task measures. */
export type Metrics = Record<string, number>;

/** The number of batches whose metrics are read back together: each readback may take milliseconds, however small it is. */
const READ_TOGETHER = 32;

/** What to evaluate a model on. */
export interface EvaluateOptions<Sample, Batch> {
  device: Device;
  task: Task<Sample, Batch>;
  data: DataSet<Sample> | readonly Sample[];
  batchSize: number;
  /** The number of batches prepared ahead. Default 2. */
  prefetch?: number;
  /** The seed of the random numbers with which samples are loaded. Default 0. */
  seed?: number;
  /** Ends the evaluation before its next batch. */
  signal?: AbortSignal;
  /** Receives the metrics of each sample, in the order of the samples; the task must have `details`. */
  onSample?: (metrics: Metrics) => void;
}

const optionNames: Readonly<Record<keyof EvaluateOptions<never, never>, true>> = {
  device: true,
  task: true,
  data: true,
  batchSize: true,
  prefetch: true,
  seed: true,
  signal: true,
  onSample: true,
};

/**
 * The model should be in evaluation mode. Samples are taken in order, and all have the same weight, whatever batch they are in.
 * @throws ConfigError naming an invalid option, or if there are no samples; the signal's reason, once it is aborted; what samples and
 *   task throw
 */
export async function evaluate<Sample, Batch>(options: EvaluateOptions<Sample, Batch>): Promise<Metrics> {
  checkOptions("evaluate", options, optionNames);
  expectParts("evaluate", options, "device.allocate", "task.prepare");
  const data = dataSetOf("data", options.data);
  const { device, task, batchSize, prefetch = PREFETCH, seed = 0, signal, onSample } = options;
  expectWhole("batchSize", batchSize, 1);
  expectWhole("prefetch", prefetch, 0);
  expectSignal(signal);
  if (!(data.size >= 1)) throw new ConfigError("there are no samples to evaluate on", { field: "data" });
  const batches = Math.ceil(data.size / batchSize);
  const samplesOf = (batch: number) => Math.min(batchSize, data.size - batch * batchSize);
  const summarise = (numbers: Metrics) => task.summarise?.(numbers) ?? numbers;
  const prepare = async (batch: number) => {
    const first = batch * batchSize;
    const samples = Array.from({ length: samplesOf(batch) }, async (_, i) =>
      data.load(first + i, new Random(seed, `evaluation, sample ${first + i}`)),
    );
    return task.prepare(await allInOrder(samples));
  };
  const ahead = new Prefetch(device, prepare, 0, batches, prefetch);

  const sums: Metrics = {};
  let waiting: Waiting[] = [];
  const collect = async () => {
    for (const { weight, batch, samples } of await Promise.all(waiting.map(read))) {
      for (const [name, value] of Object.entries(batch)) sums[name] = (sums[name] ?? 0) + weight * value;
      for (const metrics of samples) onSample?.(summarise(metrics));
    }
    release();
  };
  const release = () => {
    waiting.forEach(dispose);
    waiting = [];
  };
  const pace = new Pace(device);
  try {
    for (let batch = 0; batch < batches; batch++) {
      await pace.next();
      signal?.throwIfAborted();
      const found = await measure(task, await ahead.next(), onSample !== undefined);
      waiting.push({ weight: samplesOf(batch) / data.size, found });
      pace.began();
      if (waiting.length === READ_TOGETHER) await collect();
    }
    await collect();
  } finally {
    release();
    pace.close();
  }
  return summarise(sums);
}

/** The metrics of a batch that are still on the device, and the batch's share of all samples. */
interface Waiting {
  weight: number;
  found: BatchDetails;
}

const read = async ({ weight, found: { batch, samples } }: Waiting) => ({
  weight,
  batch: await valuesOf(batch),
  samples: await Promise.all(samples.map(valuesOf)),
});

function dispose({ found: { batch, samples } }: Waiting): void {
  for (const metrics of [batch, ...samples]) {
    for (const measured of Object.values(metrics)) if (typeof measured !== "number") measured.dispose();
  }
}

async function measure<Sample, Batch>(task: Task<Sample, Batch>, batch: Batch, each: boolean): Promise<BatchDetails> {
  if (each && !task.details) {
    throw new ConfigError("this task does not measure each sample by itself", { field: "details" });
  }
  const found = each
    ? await task.details!(batch)
    : { batch: task.metrics ? await task.metrics(batch) : { loss: await task.loss(batch) }, samples: [] };
  return { batch: offTape(found.batch), samples: found.samples.map(offTape) };
}

/** Detaches metrics from the tape, so that the tensors they were computed from are freed before the readback. */
function offTape(metrics: Record<string, Measured>): Record<string, Measured> {
  const detached = Object.entries(metrics).map(([name, measured]) => {
    if (typeof measured === "number") return [name, measured] as const;
    const result = measured.detach();
    measured.dispose();
    return [name, result] as const;
  });
  return Object.fromEntries(detached);
}

async function valuesOf(metrics: Record<string, Measured>): Promise<Metrics> {
  const read = Object.entries(metrics).map(async ([name, measured]) => {
    const number = typeof measured === "number" ? measured : (await measured.data())[0];
    return [name, number] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
