// How many points a frame draws while something moves: as many as keep it quick on this device. Where nothing moves, the rest is
// added frame by frame.

/** Milliseconds between frames beyond which fewer points are drawn, and below which more. */
const SLOW = 80;
const QUICK = 45;
const LEAST = 20_000;

export class Detail {
  /** Points of a moving frame, of all views together. */
  #budget = 250_000;
  #last: number | undefined;

  get budget(): number {
    return Math.round(this.#budget);
  }

  /** Tells that a moving frame begins. */
  frame(now: number): void {
    const duration = this.#last === undefined ? undefined : now - this.#last;
    this.#last = now;
    // A long pause says nothing about the device.
    if (duration === undefined || duration > 1000) return;
    if (duration > SLOW) this.#budget = Math.max(LEAST, this.#budget * Math.max(0.5, SLOW / duration));
    else if (duration < QUICK) this.#budget = Math.min(4e6, this.#budget * 1.1);
  }

  /** Tells that nothing moves any more. */
  rest(): void {
    this.#last = undefined;
  }
}
