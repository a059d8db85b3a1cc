// Jobs that several processes share: each takes jobs that no process works on and whose output does not exist yet, until all are
// done.

import { expectWhole } from "../arguments/options.ts";
import { type DataSource, joinPath, splitPath } from "../experiments/data-source.ts";
import { ErwinError, FormatError } from "../index.ts";
import { type FileStore, type Job, type JobRecord, type Recipe, recordOf } from "./job.ts";
import type { Lease, Leases } from "./leases.ts";
import { inParallel } from "./parallel.ts";
import { readRecord, saveOutput } from "./record.ts";

/** The jobs, their files, and what happens to failures. */
export interface SharedWorkOptions {
  jobs: readonly Job[];
  inputs: Pick<DataSource, "read">;
  outputs: FileStore;
  recipe: Recipe;
  leases: Leases;
  /** Whether existing outputs are computed again; default false. */
  overwrite?: boolean;
  /** The number of jobs that are read, checked or written at a time; default 1. Servers take several requests at a time. */
  parallel?: number;
  /** The milliseconds between two checks of other processes' leases; default 250. */
  pause?: number;
  /** The number of pauses after which a failure of the storage ends the work; default 12, about three minutes. */
  patience?: number;
  /** Ends the work: no more jobs are given out. */
  signal?: AbortSignal;
  /** Called for a job that failed; the other jobs continue. */
  onFailure(job: Job, error: unknown): void;
}

/** The numbers of jobs by what became of them. */
export interface Counts {
  predicted: number;
  /** The number of outputs that existed, or that another process has made meanwhile. */
  skipped: number;
  failed: number;
}

/** The milliseconds between two checks of other processes' leases, and of the first pause after a failure of the storage. */
const LOOK_AGAIN = 250;
/** The number of pauses after failures of the storage. Each is twice as long as the previous one, up to half a minute. */
const PATIENCE = 12;
const MAX_PAUSE = 30_000;

/** The system's codes of storage failures that may pass: full disks, networks. */
const PASSING = ["ENOSPC", "EDQUOT", "EIO", "EAGAIN", "EBUSY", "EMFILE", "ENFILE", "ESTALE", "ETIMEDOUT", "network"];

/** A job on which this process has the lease. It ends with `finish` or `fail`. */
export interface Claim {
  job: Job;
  /** The input's bytes. */
  input: Uint8Array;
  /**
   * Saves the output.
   * @returns false if another process has taken over the lease, or the storage failed: the job is then tried again
   */
  finish(bytes: Uint8Array): Promise<boolean>;
  fail(error: unknown): Promise<void>;
}

/** The part of one process in jobs that several processes share. */
export class SharedWork {
  readonly counts: Counts = { predicted: 0, skipped: 0, failed: 0 };
  readonly #options: SharedWorkOptions;
  #waiting: Job[];
  /** The last failure of the storage in this pass. */
  #trouble: { error: unknown } | undefined;

  /** @throws ConfigError if `parallel` is no whole number of at least 1 */
  constructor(options: SharedWorkOptions) {
    expectWhole("parallel", options.parallel ?? 1, 1);
    this.#options = options;
    this.#waiting = [...options.jobs];
  }

  /** Leaves out jobs whose output exists; returns the number of jobs that are left. */
  async skipDone(): Promise<number> {
    if (this.#options.overwrite) return this.#waiting.length;
    const existing = await this.#listOutputs();
    const checked = inParallel(this.#waiting, this.parallel, async (job) => {
      if (existing && !existing.has(job.output)) return { job, isDone: false };
      // A file that cannot be read now fails when its turn comes.
      return { job, isDone: await this.#skip(job).catch(() => false) };
    });
    const left: Job[] = [];
    for await (const { job, isDone } of checked) if (!isDone) left.push(job);
    this.#waiting = left;
    return left.length;
  }

  /** The number of jobs that are read, checked or written at a time. */
  get parallel(): number {
    return this.#options.parallel ?? 1;
  }

  /** Lists the folders of the outputs, which takes fewer requests than a look at each file; undefined if that is not possible. */
  async #listOutputs(): Promise<ReadonlySet<string> | undefined> {
    const folders = new Set(this.#waiting.map(({ output }) => splitPath(output).folder));
    const found = new Set<string>();
    for (const folder of folders) {
      try {
        for (const { name } of await this.#options.outputs.list(folder)) found.add(joinPath(folder, name));
      } catch (error) {
        // A folder that does not exist has no outputs.
        if (!(error instanceof FormatError)) return undefined;
      }
    }
    return found;
  }

  /**
   * Passes over the jobs that are left, until there is none or the signal is aborted. Each pass yields the jobs on which this
   * process gets a lease, one by one; all of them must be finished or have failed before the next pass begins: the jobs that are
   * left are then held by other processes.
   * @throws the failure of the storage, if it has not passed
   */
  async *passes(): AsyncGenerator<AsyncGenerator<Claim>> {
    const { signal } = this.#options;
    for (let failures = 0; this.#waiting.length > 0 && !signal?.aborted; ) {
      const before = this.settled;
      yield this.#pass();
      if (this.#waiting.length === 0) return;
      failures = this.#trouble && this.settled === before ? failures + 1 : 0;
      if (this.#trouble && failures >= (this.#options.patience ?? PATIENCE)) throw this.#trouble.error;
      const pause = this.#options.pause ?? LOOK_AGAIN;
      await sleep(Math.min(pause * 2 ** failures, MAX_PAUSE), signal);
    }
  }

  /** The number of jobs that this call has finished, skipped or reported as failed. */
  get settled(): number {
    return this.counts.predicted + this.counts.skipped + this.counts.failed;
  }

  get total(): number {
    return this.#options.jobs.length;
  }

  async *#pass(): AsyncGenerator<Claim> {
    const jobs = this.#waiting;
    this.#waiting = [];
    this.#trouble = undefined;
    const attempts = inParallel(jobs, this.parallel, async (job) => {
      // While the storage fails, the other jobs would fail, too: they wait for the next pass.
      if (!this.#options.signal?.aborted && !this.#trouble) return this.#attempt(job, () => this.#claim(job));
      this.#waiting.push(job);
      return undefined;
    });
    for await (const claim of attempts) if (claim) yield claim;
  }

  async #claim(job: Job): Promise<Claim | undefined> {
    const { inputs, leases } = this.#options;
    if (await this.#skip(job)) return undefined;
    const lease = await leases.take(job.output);
    if (!lease) {
      this.#waiting.push(job);
      return undefined;
    }
    try {
      // The last owner may have finished between the check and the lease.
      if (!(await this.#skip(job))) {
        const input = await inputs.read(job.input);
        return {
          job,
          input,
          finish: async (bytes) => this.#finish(job, lease, bytes, await recordOf(this.#options.recipe, input)),
          fail: (error) => {
            this.#fail(job, error);
            return lease.release();
          },
        };
      }
    } catch (error) {
      await lease.release();
      throw error;
    }
    await lease.release();
    return undefined;
  }

  /** @returns whether this process has made the output */
  async #finish(job: Job, lease: Lease, bytes: Uint8Array, record: JobRecord): Promise<boolean> {
    const saved = await this.#attempt(job, async () => {
      // If another process has taken over the lease, this one was too slow.
      if (!(await lease.isHeld())) return false;
      try {
        await saveOutput(this.#options.outputs, job.output, bytes, record);
        return true;
      } catch (error) {
        // The next owner deletes the temporary file of the previous one.
        if (await lease.isHeld()) throw error;
        return false;
      }
    });
    if (saved) this.counts.predicted++;
    else if (saved === false) this.#waiting.push(job);
    await lease.release();
    return saved ?? false;
  }

  /** Whether a job needs no work. */
  async #skip(job: Job): Promise<boolean> {
    if (this.#options.overwrite || !(await this.#isDone(job))) return false;
    await this.#options.leases.clear(job.output);
    this.counts.skipped++;
    return true;
  }

  async #isDone(job: Job): Promise<boolean> {
    const { outputs, inputs, recipe } = this.#options;
    const found = await readRecord(outputs, job.output);
    if (!found || found.model !== recipe.model) return false;
    return found.identity === (await recordOf(recipe, await inputs.read(job.input))).identity;
  }

  /** Does work for a job. A storage failure that may pass postpones the job; any other error is a failure of the job. */
  async #attempt<Result>(job: Job, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (isPassing(error)) {
        this.#trouble = { error };
        this.#waiting.push(job);
      } else this.#fail(job, error);
      return undefined;
    }
  }

  #fail(job: Job, error: unknown): void {
    this.counts.failed++;
    this.#options.onFailure(job, error);
  }
}

/** Whether an error is a failure of the storage that may pass. */
export function isPassing(error: unknown): boolean {
  const code = error instanceof ErwinError ? error.details.reason : (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && PASSING.includes(code);
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    // An abort that is past sends no event.
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
