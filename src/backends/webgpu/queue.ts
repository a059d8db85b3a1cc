// Keeps the device's work in its order while kernels are being compiled: what needs one that is not ready waits for it, and
// all that comes later waits behind it.

export class WorkQueue {
  /** What kept work from being done: from then on none is. */
  failure: Error | undefined;
  #waiting: { work: () => void; after: Promise<unknown> | undefined }[] = [];
  #running: Promise<void> | undefined;

  /** True when nothing waits. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Does `work` at once if it can, else when its turn comes. It may not depend on what the caller changes meanwhile. */
  add(work: () => void, after?: Promise<unknown>): void {
    if (this.idle && !after) {
      work();
      return;
    }
    this.#waiting.push({ work, after });
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits any more, done or failed. */
  async done(): Promise<void> {
    await this.#running;
  }

  /** Drops what waits. */
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
