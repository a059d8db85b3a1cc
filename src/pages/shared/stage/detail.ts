// How many points a frame draws: as many as keep frames quick on this device. Where nothing moves, the rest is added frame by frame.

/** Milliseconds between frames beyond which fewer points are drawn, and below which more. */
const SLOW = 80;
const QUICK = 45;
const LEAST = 15_000;
const MOST = 4_000_000;

export class Detail {
  /** Points of a frame, of all views together. */
  #budget: number;
  #last: number | undefined;

  /** @param software whether the processor draws, in place of a GPU */
  constructor(software: boolean) {
    this.#budget = software ? 40_000 : 400_000;
  }

  get budget(): number {
    return Math.round(this.#budget);
  }

  /** Tells that a frame begins, one of several in a row. */
  frame(now: number): void {
    const duration = this.#last === undefined ? undefined : now - this.#last;
    this.#last = now;
    if (duration === undefined) return;
    if (duration > SLOW) this.#budget = Math.max(LEAST, this.#budget * Math.max(0.5, SLOW / duration));
    else if (duration < QUICK) this.#budget = Math.min(MOST, this.#budget * 1.15);
  }

  /** Tells that no frame follows for now: the time until the next says nothing about the device. */
  rest(): void {
    this.#last = undefined;
  }
}
