// Jobs that several processes share: each takes what nobody works on and what is not there yet, until all is done.

import type { DataSource } from "../experiments/data-source.ts";
import { ErwinError } from "../index.ts";
import { type FileStore, type Job, type JobRecord, type Recipe, recordOf } from "./job.ts";
import type { Lease, Leases } from "./leases.ts";
import { readRecord, saveOutput } from "./record.ts";

export interface SharedWorkOptions {
  jobs: readonly Job[];
  inputs: Pick<DataSource, "read">;
  outputs: FileStore;
  recipe: Recipe;
  leases: Leases;
  /** Whether outputs that are there are made again; default false. */
  overwrite?: boolean;
  /** After how many pauses a failure of the storage ends the work; default 12, about three minutes. */
  patience?: number;
  /** Ends the work: no more jobs are given out. */
  signal?: AbortSignal;
  /** Called for a job that failed; the others go on. */
  onFailure(job: Job, error: unknown): void;
}

export interface Counts {
  predicted: number;
  /** Outputs that were there, or that another process has made meanwhile. */
  skipped: number;
  failed: number;
}

/** Milliseconds between two looks at what others hold, and the first pause after a failure of the storage. */
const LOOK_AGAIN = 250;
/** Pauses after failures of the storage, each twice as long as the one before, and the last ones half a minute. */
const PATIENCE = 12;
const LONGEST_PAUSE = 30_000;

/** Failures of storage that pass, by what the system calls them: full disks, networks. */
const PASSING = ["ENOSPC", "EDQUOT", "EIO", "EAGAIN", "EBUSY", "EMFILE", "ENFILE", "ESTALE", "ETIMEDOUT", "network"];

/** A job that this process has the lease on. It ends by `finish` or `fail`. */
export interface Claim {
  job: Job;
  /** The input's bytes. */
  input: Uint8Array;
  /**
   * Saves the output.
   * @returns false where the lease has passed to another process meanwhile, or the storage failed: the job is then tried again
   */
  finish(bytes: Uint8Array): Promise<boolean>;
  fail(error: unknown): Promise<void>;
}

export class SharedWork {
  readonly counts: Counts = { predicted: 0, skipped: 0, failed: 0 };
  readonly #options: SharedWorkOptions;
  #waiting: Job[];
  /** The last failure of the storage in this pass. */
  #trouble: { error: unknown } | undefined;

  constructor(options: SharedWorkOptions) {
    this.#options = options;
    this.#waiting = [...options.jobs];
  }

  /** Leaves out what is there already; returns how many jobs are left. */
  async skipDone(): Promise<number> {
    const left: Job[] = [];
    for (const job of this.#waiting) {
      // What cannot be read now fails when its turn comes.
      if (!(await this.#skip(job).catch(() => false))) left.push(job);
    }
    this.#waiting = left;
    return left.length;
  }

  /**
   * Passes over the jobs that are left, until none is or the signal ends it. Each gives jobs one by one, as this process gets them;
   * all that it gave must be finished or have failed before the next pass begins: what is left is then in the hands of others.
   * @throws the failure of the storage that has not passed
   */
  async *passes(): AsyncGenerator<AsyncGenerator<Claim>> {
    const { signal } = this.#options;
    for (let failures = 0; this.#waiting.length > 0 && !signal?.aborted; ) {
      const before = this.settled;
      yield this.#pass();
      if (this.#waiting.length === 0) return;
      failures = this.#trouble && this.settled === before ? failures + 1 : 0;
      if (this.#trouble && failures >= (this.#options.patience ?? PATIENCE)) throw this.#trouble.error;
      await sleep(Math.min(LOOK_AGAIN * 2 ** failures, LONGEST_PAUSE), signal);
    }
  }

  /** How many jobs this call is done with. */
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
    for (const [i, job] of jobs.entries()) {
      // Where the storage fails, the other jobs would fail at it too: they wait for the next pass.
      if (this.#options.signal?.aborted || this.#trouble) {
        this.#waiting.push(...jobs.slice(i));
        return;
      }
      const claim = await this.#attempt(job, () => this.#claim(job));
      if (claim) yield claim;
    }
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
      // Its last owner may have finished between the look and the lease.
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

  /** @returns whether it was this process that made the output */
  async #finish(job: Job, lease: Lease, bytes: Uint8Array, record: JobRecord): Promise<boolean> {
    const saved = await this.#attempt(job, async () => {
      // Where it has passed to another process, this one was too slow.
      if (!(await lease.isHeld())) return false;
      try {
        await saveOutput(this.#options.outputs, job.output, bytes, record);
        return true;
      } catch (error) {
        // The next owner clears away what an earlier one was about to write.
        if (await lease.isHeld()) throw error;
        return false;
      }
    });
    if (saved) this.counts.predicted++;
    else if (saved === false) this.#waiting.push(job);
    await lease.release();
    return saved ?? false;
  }

  /** Whether there is nothing to do for a job. */
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

  /** Does something for a job. A failure of the storage that may pass puts it off; any other is one of the job. */
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

/** Whether a failure of the storage may be over a little later. */
export function isPassing(error: unknown): boolean {
  const code = error instanceof ErwinError ? error.details.reason : (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && PASSING.includes(code);
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
