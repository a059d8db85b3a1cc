// Prepares the next batches while the device works on this one, and measures how long the device stood idle for them.

import type { Device } from "../backends/device.ts";

interface Entry<Batch> {
  promise: Promise<Batch>;
  settled: boolean;
}

export class Prefetch<Batch> {
  /** Milliseconds for which the device had nothing left to do and the next batch was not there yet, the first batch aside. */
  idle = 0;
  readonly #waiting: Entry<Batch>[] = [];
  #next: number;
  #taken = 0;

  /**
   * @param make prepares the batch of a number
   * @param first the first batch
   * @param end the number after the last
   * @param depth how many are prepared ahead
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

  /** The next batch. @throws what its preparation threw */
  async next(): Promise<Batch> {
    const entry = this.#waiting.shift();
    if (!entry) throw new RangeError("all batches have been taken");
    const first = this.#taken++ === 0;
    if (entry.settled || first) {
      const batch = await entry.promise;
      this.#fill();
      return batch;
    }
    const since = performance.now();
    let idleFrom = Number.POSITIVE_INFINITY;
    this.device.finished().then(
      () => {
        idleFrom = performance.now();
      },
      () => {},
    );
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
      // A failure is reported when the batch is asked for.
      entry.promise.then(settle, settle);
      this.#waiting.push(entry);
    }
  }
}
