// One thing after the other: asynchronous work that must not overlap, such as that of one device.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #closed: Error | undefined;

  /**
   * Executes work in the order of arrival, whether or not the previous one succeeded.
   * @param signal drops the work as long as it waits
   * @throws the signal's reason, or what the queue was closed with; the work's own error
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

  /** Drops all that waits and comes, with this error; resolves when the work under way has ended. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    await this.#last;
  }
}
