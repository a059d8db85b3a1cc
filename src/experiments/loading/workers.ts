// Batches of a training made in workers: they read, decode and normalise samples and build trees and graphs, away from the thread
// that submits work to the device.

import { type Endpoint, proxy, type Remote, wrap } from "comlink";
import { endWorker } from "../../host/ending.ts";
import { givenAssets } from "../../host/given-assets.ts";
import { expectThreads } from "../../host/threads.ts";
import { Opaque } from "../../inspect.ts";
import { limits } from "../../limits.ts";
import type { BatchRequest } from "../../train/data/loading.ts";
import { WorkerCalls } from "../../worker/calls.ts";
import { keepErrorClasses } from "../../worker/errors.ts";
import { type ModelThread, startWorker } from "../../worker/start.ts";
import { packed } from "../../worker/transfer.ts";
import type { DataSource } from "../data-source.ts";
import type { OnBad } from "../experiment.ts";
import { type BatchSetup, type BatchWorker, GREETING, type SharedSource } from "./protocol.ts";
import { dataScript } from "./script.ts";

/** What the workers read, and the listener for damaged samples. */
export interface DataWorkersOptions extends Omit<BatchSetup, "sourceName" | "skipBad"> {
  /** The source of an experiment that reads files. Workers read through it, so it can be any source. */
  source?: DataSource;
  /** Receives damaged samples, which are replaced by others; without it, a damaged sample is an error. */
  onBad?: OnBad;
}

/** Workers that make batches, each one batch at a time. The batches do not depend on the number of workers. */
export class DataWorkers extends Opaque {
  readonly #threads: DataThread[];
  readonly #onBad: OnBad | undefined;

  /**
   * @param count the number of workers, from 1 to `limits.threads`
   * @throws ConfigError for another count; WorkerError if the worker script cannot be loaded; DeviceError if the host has no workers;
   *   FormatError for a data set that is damaged
   */
  static async start(count: number, options: DataWorkersOptions): Promise<DataWorkers> {
    expectThreads("count", count);
    keepErrorClasses();
    const starting = Array.from({ length: count }, () => DataThread.start(options));
    const started = await Promise.allSettled(starting);
    const threads = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = started.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (!failed) return new DataWorkers(threads, options.onBad);
    for (const thread of threads) thread.stop();
    throw failed.reason;
  }

  private constructor(threads: DataThread[], onBad: OnBad | undefined) {
    super();
    this.#threads = threads;
    this.#onBad = onBad;
  }

  /** The number of batches that should be under way: one for each worker, and one that is ready. */
  get prefetch(): number {
    return this.#threads.length + 1;
  }

  /**
   * Makes a batch, the same as `loadBatch` makes.
   * @throws the error of loading or preparing it; WorkerError if the worker has ended or hangs
   */
  async load<Batch>(request: BatchRequest): Promise<Batch> {
    const idlest = this.#threads.reduce((best, thread) => (thread.inHand < best.inHand ? thread : best));
    const { batch, bad } = await idlest.make(request);
    for (const sample of bad) this.#onBad?.(sample);
    return batch as Batch;
  }

  stop(): void {
    for (const thread of this.#threads) thread.stop();
  }
}

class DataThread {
  /** The number of batches that were requested and have not arrived. */
  inHand = 0;
  readonly #worker: ModelThread;
  readonly #remote: Remote<BatchWorker>;
  readonly #calls: WorkerCalls;

  static async start({ source, onBad, ...setup }: DataWorkersOptions): Promise<DataThread> {
    const { url } = dataScript();
    const thread = new DataThread(await startWorker(dataScript(), GREETING), url.href);
    try {
      const all = packed({ ...setup, sourceName: source?.name ?? "", skipBad: onBad !== undefined }, false, "options");
      await thread.#calls.wait(thread.#remote.open(all, givenAssets(), { ...limits }, source && shareSource(source)));
      return thread;
    } catch (error) {
      thread.stop();
      throw error;
    }
  }

  private constructor(worker: ModelThread, url: string) {
    this.#worker = worker;
    this.#remote = wrap<BatchWorker>(worker as Endpoint);
    this.#calls = new WorkerCalls(worker, url, "Train with fewer workers", {
      ask: () => void this.#remote.beat(),
      end: () => this.stop(),
    });
  }

  async make(request: BatchRequest) {
    this.inHand++;
    try {
      return await this.#calls.wait(this.#remote.make(request));
    } finally {
      this.inHand--;
    }
  }

  stop(): void {
    endWorker(this.#worker);
  }
}

/** Wraps a source for other threads. What it reads is copied, because the source may keep its files. */
function shareSource(source: DataSource): SharedSource {
  return proxy({
    list: (folder) => source.list(folder),
    size: (path) => source.size(path),
    read: async (path, range) => packed(await source.read(path, range), false, path),
  } satisfies Omit<DataSource, "name">);
}
