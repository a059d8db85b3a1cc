// Keeps the device's work in order while some of it waits: for a kernel that is being compiled, or because the device has enough to
// do. All later work waits behind it.

export class WorkQueue {
  /** The error of the first work that failed; all later work is dropped. */
  failure: Error | undefined;
  #waiting: { work: () => void; after: Promise<unknown> | undefined }[] = [];
  #running: Promise<void> | undefined;

  /**
   * @param full whether the device has enough to do
   * @param finished resolves when the device has done it
   */
  constructor(
    readonly full: () => boolean,
    readonly finished: () => Promise<unknown>,
  ) {}

  /** True when work is done as soon as it is added: nothing waits, and the device has room for it. */
  get open(): boolean {
    return this.#running === undefined && !this.full();
  }

  /** Does `work` at once if possible, otherwise in its turn. It may not depend on anything that the caller changes meanwhile. */
  add(work: () => void, after?: Promise<unknown>): void {
    if (this.open && !after) {
      work();
      return;
    }
    this.#waiting.push({ work, after });
    this.#running ??= this.#run();
  }

  /** Does the rest of some work, which the work itself adds: before any other that waits. */
  addRest(work: () => void): void {
    if (this.open) {
      work();
      return;
    }
    this.#waiting.unshift({ work, after: undefined });
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
        // If the device is lost, the work itself fails or has no effect.
        if (this.full()) await this.finished().catch(() => {});
        if (!this.failure) next.work();
      }
    } catch (error) {
      this.stop(error as Error);
    } finally {
      this.#running = undefined;
    }
  }
}
