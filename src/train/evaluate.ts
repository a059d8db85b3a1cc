// Validation and test: a task's metrics over a data set, averaged over its clouds.

import { expectParts } from "../arguments.ts";
import type { Device } from "../backends/device.ts";
import { ConfigError } from "../errors.ts";
import { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prefetch } from "./prefetch.ts";
import type { BatchDetails, DataSet, Task } from "./task.ts";

export type Metrics = Record<string, number>;

/** Batches whose numbers are read back together: each reading may take milliseconds, however little is read. */
const READ_TOGETHER = 32;

export interface EvaluateOptions<Sample, Batch> {
  device: Device;
  task: Task<Sample, Batch>;
  data: DataSet<Sample>;
  batchSize: number;
  /** Batches prepared ahead. Default 2. */
  prefetch?: number;
  /** Of the random numbers that samples are loaded with. Default 0. */
  seed?: number;
  /** Hears the numbers of each sample by itself, in the order of samples; the task must give them (`details`). */
  onSample?(metrics: Metrics): void;
}

/** The model should be in evaluation mode. Samples come in their order; each counts the same, whatever batch it is in. */
export async function evaluate<Sample, Batch>(options: EvaluateOptions<Sample, Batch>): Promise<Metrics> {
  expectParts("evaluate", options, { device: "allocate", task: "prepare", data: "load" });
  const { device, task, data, batchSize, prefetch = 2, seed = 0, onSample } = options;
  const batches = Math.ceil(data.size / batchSize);
  const samplesOf = (batch: number) => Math.min(batchSize, data.size - batch * batchSize);
  const ahead = new Prefetch(
    device,
    async (batch) => {
      const first = batch * batchSize;
      const samples = Array.from({ length: samplesOf(batch) }, (_, i) =>
        data.load(first + i, new Random(seed, `evaluation, sample ${first + i}`)),
      );
      return task.prepare(await Promise.all(samples));
    },
    0,
    batches,
    prefetch,
  );

  const sums: Metrics = {};
  let waiting: { weight: number; found: BatchDetails }[] = [];
  const collect = async () => {
    const read = await Promise.all(
      waiting.map(async ({ weight, found: { batch, samples } }) => ({
        weight,
        batch: await numbersOf(batch),
        samples: await Promise.all(samples.map(numbersOf)),
      })),
    );
    for (const { weight, batch, samples } of read) {
      for (const [name, value] of Object.entries(batch)) sums[name] = (sums[name] ?? 0) + weight * value;
      for (const metrics of samples) onSample?.(metrics);
    }
    release();
  };
  const release = () => {
    for (const { found } of waiting) {
      for (const metrics of [found.batch, ...found.samples]) {
        for (const tensor of Object.values(metrics)) tensor.dispose();
      }
    }
    waiting = [];
  };
  try {
    for (let batch = 0; batch < batches; batch++) {
      const found = await measure(task, await ahead.next(), onSample !== undefined);
      waiting.push({ weight: samplesOf(batch) / data.size, found });
      if (waiting.length === READ_TOGETHER) await collect();
    }
    await collect();
  } finally {
    release();
  }
  return sums;
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

/** What they were computed from need not wait for the reading. */
function offTape(metrics: Record<string, Tensor>): Record<string, Tensor> {
  const detached = Object.entries(metrics).map(([name, tensor]) => {
    const result = tensor.detach();
    tensor.dispose();
    return [name, result] as const;
  });
  return Object.fromEntries(detached);
}

async function numbersOf(metrics: Record<string, Tensor>): Promise<Metrics> {
  const read = Object.entries(metrics).map(async ([name, tensor]) => [name, (await tensor.data())[0]!] as const);
  return Object.fromEntries(await Promise.all(read));
}
