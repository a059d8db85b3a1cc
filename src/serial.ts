// Executes asynchronous work one after the other, such as the work of one device, which must not overlap.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #closed: Error | undefined;

  /**
   * Executes work in the order of arrival, whether or not the previous one succeeded.
   * @param signal drops the work while it waits
   * @throws the signal's reason, or the error with which the queue was closed; the work's own error
   */
  run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const result = this.#last.then(() => {
      if (this.#closed) throw this.#closed;
      signal?.throwIfAborted();
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }

  /** Drops all work that waits or arrives later, with this error; resolves when the current work has ended. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    await this.#last;
  }
}
