// Prepares the next batches while the device works on the current one, and measures how long the device was idle waiting for them.

import type { Device } from "../../backends/device.ts";

interface Entry<Batch> {
  promise: Promise<Batch>;
  settled: boolean;
}

/** How many batches are prepared ahead of the device, unless an option says otherwise. */
export const PREFETCH = 2;

export class Prefetch<Batch> {
  /** The milliseconds for which the device was idle because the next batch was not ready, except for the first batch. */
  idle = 0;
  readonly #waiting: Entry<Batch>[] = [];
  #next: number;
  #taken = 0;

  /**
   * @param make prepares the batch of an index
   * @param first the index of the first batch
   * @param end the index after the last one
   * @param depth the number of batches that are prepared ahead
   */
  constructor(
    readonly device: Device,
    readonly make: (index: number) => Promise<Batch>,
    first: number,
    readonly end: number,
    readonly depth: number,
  ) {
    this.#next = first;
    this.#fill();
  }

  /** Returns the next batch, of which there must be one. @throws the error of its preparation */
  async next(): Promise<Batch> {
    const entry = this.#waiting.shift()!;
    const since = performance.now();
    let idleFrom = Number.POSITIVE_INFINITY;
    if (this.#taken++ > 0 && !entry.settled) {
      this.device.finished().then(
        () => {
          idleFrom = performance.now();
        },
        () => {},
      );
    }
    const batch = await entry.promise;
    this.idle += Math.max(0, performance.now() - Math.max(since, idleFrom));
    this.#fill();
    return batch;
  }

  #fill(): void {
    while (this.#waiting.length <= this.depth && this.#next < this.end) {
      const entry: Entry<Batch> = { promise: this.make(this.#next++), settled: false };
      const settle = () => {
        entry.settled = true;
      };
      // A failure is reported when the batch is requested.
      entry.promise.then(settle, settle);
      this.#waiting.push(entry);
    }
  }
}
