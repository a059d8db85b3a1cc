// Keeps the device's work in order while kernels are being compiled: work that needs such a kernel waits for it, and all later
// work waits behind it.

export class WorkQueue {
  /** The error of the first work that failed; all later work is dropped. */
  failure: Error | undefined;
  #waiting: { work: () => void; after: Promise<unknown> | undefined }[] = [];
  #running: Promise<void> | undefined;

  /** True when nothing waits. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Does `work` at once if possible, otherwise in its turn. It may not depend on anything that the caller changes meanwhile. */
  add(work: () => void, after?: Promise<unknown>): void {
    if (this.idle && !after) {
      work();
      return;
    }
    this.#waiting.push({ work, after });
    this.#running ??= this.#run();
  }

  /** Resolves when no work waits any more, whether it succeeded or failed. */
  async done(): Promise<void> {
    await this.#running;
  }

  /** Drops all work that waits. */
  stop(reason: Error): void {
    this.failure ??= reason;
    this.#waiting = [];
  }

  async #run(): Promise<void> {
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        if (next.after) await next.after;
        if (!this.failure) next.work();
      }
    } catch (error) {
      this.stop(error as Error);
    } finally {
      this.#running = undefined;
    }
  }
}
