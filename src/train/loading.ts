// The batches of a training: which samples each has, and how it is made of them.

import { Random } from "../random.ts";
import type { BatchSamples } from "./order.ts";
import type { DataSet, Task } from "./task.ts";

/** Which samples a batch has. With the same data set and task it is the same batch wherever and whenever it is made. */
export interface BatchRequest extends BatchSamples {
  /** The seed of the samples' random numbers. */
  seed: number;
}

/** Loads a batch's samples and prepares them. @throws what loading or preparing one throws */
export async function loadBatch<Sample, Batch>(
  data: DataSet<Sample>,
  task: Pick<Task<Sample, Batch>, "prepare">,
  { seed, epoch, samples }: BatchRequest,
): Promise<Batch> {
  const load = (sample: number) => data.load(sample, new Random(seed, `epoch ${epoch}, sample ${sample}`), epoch);
  return task.prepare(await Promise.all(samples.map(load)));
}
