// The time that a suite has taken, which its limits count: not that in which it waited, as a hidden page lets it.

export class Clock {
  #start = performance.now();

  /** The time of `performance.now()` from which on `elapsed` counts. */
  get start(): number {
    return this.#start;
  }

  /** Seconds. */
  get elapsed(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Stands still during `wait`. */
  async pause(wait: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    await wait();
    this.#start += performance.now() - begun;
  }
}
