// Chooses how many points a frame draws, so that frames stay quick on this device. When nothing moves, the rest is added frame by frame.

/** Milliseconds between frames: if it takes longer, fewer points are drawn; if it takes less than the second, more. */
const SLOW = 80;
const QUICK = 45;
const MIN_POINTS = 15_000;
const MAX_POINTS = 4_000_000;

export class Detail {
  /** The number of points in a frame, of all views together. */
  #budget: number;
  #last: number | undefined;

  /** @param software whether the graphics are rendered by the processor */
  constructor(software: boolean) {
    this.#budget = software ? 40_000 : 400_000;
  }

  get budget(): number {
    return Math.round(this.#budget);
  }

  /** Reports that a frame begins, one of several in a row. */
  frame(now: number): void {
    const duration = this.#last === undefined ? undefined : now - this.#last;
    this.#last = now;
    if (duration === undefined) return;
    if (duration > SLOW) this.#budget = Math.max(MIN_POINTS, this.#budget * Math.max(0.5, SLOW / duration));
    else if (duration < QUICK) this.#budget = Math.min(MAX_POINTS, this.#budget * 1.15);
  }

  /** Reports that no frame follows for now: the time until the next one says nothing about the device. */
  rest(): void {
    this.#last = undefined;
  }
}
