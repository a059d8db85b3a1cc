// The batches of a training: which samples each contains, and how it is made from them.

import { Random } from "../../random.ts";
import { allInOrder } from "../../serial.ts";
import type { DataSet, Task } from "../task.ts";
import type { BatchSamples } from "./order.ts";

/** Which samples a batch contains. With the same data set and task, the batch is the same wherever and whenever it is made. */
export interface BatchRequest extends BatchSamples {
  /** The seed of the samples' random numbers. */
  seed: number;
}

/** Loads a batch's samples and prepares them. @throws the error of preparing them, or of loading the first that cannot be loaded */
export async function loadBatch<Sample, Batch>(
  data: DataSet<Sample>,
  task: Pick<Task<Sample, Batch>, "prepare">,
  { seed, epoch, samples }: BatchRequest,
): Promise<Batch> {
  const load = async (sample: number) => data.load(sample, new Random(seed, `epoch ${epoch}, sample ${sample}`), epoch);
  return task.prepare(await allInOrder(samples.map(load)));
}
