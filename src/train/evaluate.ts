// Validation and test: a task's metrics over a data set, averaged over its clouds.

import { expectParts } from "../arguments.ts";
import type { Device } from "../backends/device.ts";
import { Random } from "../random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Prefetch } from "./prefetch.ts";
import type { DataSet, Task } from "./task.ts";

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
}

/** The model should be in evaluation mode. Samples come in their order; each counts the same, whatever batch it is in. */
export async function evaluate<Sample, Batch>(options: EvaluateOptions<Sample, Batch>): Promise<Metrics> {
  expectParts("evaluate", options, { device: "allocate", task: "prepare", data: "load" });
  const { device, task, data, batchSize, prefetch = 2, seed = 0 } = options;
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
  let waiting: { weight: number; metrics: Record<string, Tensor> }[] = [];
  const collect = async () => {
    const numbers = waiting.flatMap(({ weight, metrics }) =>
      Object.entries(metrics).map(async ([name, tensor]) => [name, weight, (await tensor.data())[0]!] as const),
    );
    for (const [name, weight, value] of await Promise.all(numbers)) sums[name] = (sums[name] ?? 0) + weight * value;
    release();
  };
  const release = () => {
    for (const { metrics } of waiting) for (const tensor of Object.values(metrics)) tensor.dispose();
    waiting = [];
  };
  try {
    for (let batch = 0; batch < batches; batch++) {
      const prepared = await ahead.next();
      const metrics = task.metrics ? await task.metrics(prepared) : { loss: await task.loss(prepared) };
      for (const [name, tensor] of Object.entries(metrics)) {
        // Off the tape: what it was computed from need not wait for the reading.
        metrics[name] = tensor.detach();
        tensor.dispose();
      }
      waiting.push({ weight: samplesOf(batch) / data.size, metrics });
      if (waiting.length === READ_TOGETHER) await collect();
    }
    await collect();
  } finally {
    release();
  }
  return sums;
}
