// Predictions as jobs of BullMQ, a queue in Redis or PostgreSQL, which is loaded only if a queue is used.

import type { Job, Queue, Worker, WorkerOptions } from "bullmq";
import { InputError } from "../../errors.ts";
import type { TablePart } from "../../experiments/folder/side-table.ts";
import type { Recipe } from "../../jobs/job.ts";
import { UsageError } from "../command.ts";
import type { GraphChoice } from "../options/shared.ts";
import { ComputeError } from "./child.ts";

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
  /** What the table beside the inputs has of this one. */
  table?: TablePart;
  /** Whether an output of the same model, input and options is computed again. */
  overwrite?: boolean;
}

const NAME = "erwin-predictions";
/** The number of tries, with pauses of 1, 2, 4, ... seconds between them: a disk that is full for ten minutes fails no job. */
const ATTEMPTS = 11;

export const queueOption = {
  queue: { value: "URL", description: "of the server: redis://HOST:PORT, or postgres://USER@HOST/DATABASE" },
} as const;

type Bullmq = typeof import("bullmq");

interface Server {
  /** The packages that must be installed to reach it. */
  packages: readonly string[];
  /** What BullMQ's classes take as their connection. */
  connection: object;
  /** Returns what makes BullMQ work with this server; undefined for its default, Redis. */
  backend(bullmq: Bullmq): unknown;
}

/** @throws UsageError for text that is not the address of a server that BullMQ supports */
function serverAt(address: string): Server {
  if (/^rediss?:\/\//.test(address)) {
    const connection = { url: address, maxRetriesPerRequest: null };
    return { packages: ["bullmq", "ioredis"], connection, backend: () => undefined };
  }
  if (/^postgres(ql)?:\/\//.test(address)) {
    // BullMQ creates its tables only if it is asked to.
    const connection = { connectionString: address, migrate: true };
    return { packages: ["bullmq", "pg"], connection, backend: (bullmq) => bullmq.createPostgresBackend };
  }
  throw new UsageError(`--queue is "${address}", expected redis://HOST:PORT or postgres://USER@HOST/DATABASE`);
}

/** @throws InputError if a package is not installed */
async function loadBullmq(packages: readonly string[]): Promise<Bullmq> {
  try {
    const modules = await Promise.all(packages.map((name) => import(/* @vite-ignore */ name)));
    return modules[0] as Bullmq;
  } catch (cause) {
    throw new InputError(
      `This queue needs two packages beside erwin: npm install ${packages.join(" ")}`,
      {},
      { cause },
    );
  }
}

/** Returns the address without its password. */
export function nameOf(address: string): string {
  return address.replace(/^(\w+:\/\/[^/]*?):[^/]*@/, "$1@");
}

/**
 * Works with the queue and closes it. If a Redis server does not answer, this waits for it.
 * @throws InputError if the server refuses the connection
 */
export async function withQueue<Result>(
  address: string,
  work: (queue: Queue<QueuedPrediction>) => Promise<Result>,
): Promise<Result> {
  const { packages, connection, backend } = serverAt(address);
  const bullmq = await loadBullmq(packages);
  // The type of the backend would be a parameter of all classes, and they are used in the same way with each.
  const queue = new bullmq.Queue<QueuedPrediction>(NAME, { connection }, backend(bullmq) as undefined);
  // Without this handler the errors of a server that does not answer would be printed.
  queue.on("error", () => {});
  try {
    await untilReady(queue, address);
    return await work(queue);
  } finally {
    await queue.close();
  }
}

/**
 * Takes jobs from the queue until the worker is closed.
 * @param compute rejects with a final ComputeError if another try would fail, too
 * @throws InputError if the server refuses the connection
 */
export async function openWorker(
  address: string,
  compute: (job: QueuedPrediction) => Promise<void>,
  options: Omit<WorkerOptions, "connection">,
): Promise<Worker<QueuedPrediction>> {
  const { packages, connection, backend } = serverAt(address);
  const bullmq = await loadBullmq(packages);
  const process = async ({ data }: Job<QueuedPrediction>) => {
    try {
      await compute(data);
    } catch (error) {
      throw error instanceof ComputeError && error.isFinal ? new bullmq.UnrecoverableError(error.message) : error;
    }
  };
  const all = { ...options, connection };
  const worker = new bullmq.Worker<QueuedPrediction>(NAME, process, all, backend(bullmq) as undefined);
  // The server does not answer, or another worker has taken the job: both pass.
  worker.on("error", () => {});
  try {
    await untilReady(worker, address);
  } catch (error) {
    await worker.close(true);
    throw error;
  }
  return worker;
}

async function untilReady(queue: { waitUntilReady(): Promise<unknown> }, address: string): Promise<void> {
  try {
    await queue.waitUntilReady();
  } catch (cause) {
    const { message, code } = cause as Error & { code?: string };
    throw new InputError(`Cannot use the queue ${nameOf(address)}: ${message || code}.`, {}, { cause });
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
