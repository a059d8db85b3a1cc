// Predictions as jobs of BullMQ, a queue in Redis, which is loaded only if a queue is used.

import type { Queue, QueueOptions } from "bullmq";
import { InputError } from "../../errors.ts";
import type { Recipe } from "../../jobs/job.ts";
import { UsageError } from "../command.ts";
import type { GraphChoice } from "../options.ts";

/** What a worker needs to know about a job. The paths are absolute: all machines have the files at the same paths. */
export interface QueuedPrediction {
  model: string;
  input: string;
  output: string;
  /** The output's extension, with its dot. */
  format: string;
  features?: string[];
  graph: GraphChoice;
  recipe: Recipe;
}

const NAME = "erwin-predictions";
/** The number of tries, with pauses of 1, 2, 4, ... seconds between them: a disk that is full for ten minutes fails no job. */
const ATTEMPTS = 11;

export const queueOption = {
  queue: { value: "URL", description: "of the Redis server: redis://HOST:PORT" },
} as const;

/** @throws InputError if the package is not installed */
export async function loadBullmq(): Promise<typeof import("bullmq")> {
  const name = "bullmq";
  try {
    return (await import(/* @vite-ignore */ name)) as typeof import("bullmq");
  } catch (cause) {
    throw new InputError("A queue needs two packages beside erwin: npm install bullmq ioredis", {}, { cause });
  }
}

export const queueName = NAME;

/** @throws UsageError for text that is not the address of a Redis server */
export function connectionTo(address: string): QueueOptions["connection"] {
  if (!/^rediss?:\/\//.test(address)) throw new UsageError(`--queue is "${address}", expected redis://HOST:PORT`);
  return { url: address, maxRetriesPerRequest: null };
}

/** Works with the queue and closes it. */
export async function withQueue<Result>(
  address: string,
  work: (queue: Queue<QueuedPrediction>) => Promise<Result>,
): Promise<Result> {
  const { Queue } = await loadBullmq();
  const queue = new Queue<QueuedPrediction>(NAME, { connection: connectionTo(address) });
  // If the server does not answer, the queue waits for it; without this handler the errors meanwhile would be printed.
  queue.on("error", () => {});
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

/** Adds jobs by their identifiers. A job that is waiting already is not added again; a job that has ended is. */
export async function enqueue(
  queue: Queue<QueuedPrediction>,
  jobs: readonly { id: string; data: QueuedPrediction }[],
): Promise<void> {
  const options = { attempts: ATTEMPTS, backoff: { type: "exponential", delay: 1000 } };
  for (let first = 0; first < jobs.length; first += 500) {
    const some = jobs.slice(first, first + 500);
    await Promise.all(
      some.map(async ({ id }) => {
        const old = await queue.getJob(id);
        if (old?.finishedOn !== undefined) await old.remove();
      }),
    );
    await queue.addBulk(some.map(({ id, data }) => ({ name: "predict", data, opts: { ...options, jobId: id } })));
  }
}
