// The order of asynchronous work: one after the other, such as the work of one device, which must not overlap; and at once, where
// what comes of it must not depend on which ends first.

/** As Promise.all, but of several errors it throws the first of the list, whichever came first, once all have settled. */
export async function allInOrder<Work extends readonly unknown[] | []>(
  work: Work,
): Promise<{ -readonly [Place in keyof Work]: Awaited<Work[Place]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

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
