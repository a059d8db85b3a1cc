// Pausing and stopping a training run from outside, and giving the host its turn between the steps.

/** Handed to `fit`; the page's buttons call it. */
export class FitController {
  readonly #stop = new AbortController();
  #paused = false;
  #wake: () => void = () => {};

  get paused(): boolean {
    return this.#paused;
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** Aborted when it is stopped. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Training halts before the next step. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Training ends before the next step, and validation before the next batch, with a checkpoint to go on from. */
  stop(): void {
    this.#stop.abort();
    this.#wake();
  }

  /** Resolves at once unless paused; else when resumed or stopped. */
  async whileRunning(): Promise<void> {
    while (this.#paused && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Lets messages from workers and the page's events in. Timers would take four milliseconds each in browsers. */
export class HostTurns {
  readonly #channel = new MessageChannel();
  #resolve: () => void = () => {};

  constructor() {
    this.#channel.port1.onmessage = () => this.#resolve();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#channel.port2.postMessage(null);
    });
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
