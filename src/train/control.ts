// Pauses and stops a training run from outside, and lets the host process events between the steps.

import { Opaque } from "../inspect.ts";

/** Controls a run of `fit`, for example from a page's buttons. */
export class FitController extends Opaque {
  readonly #stop = new AbortController();
  #paused = false;
  #wantsCheckpoint = false;
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

  /** Pauses training before the next step. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Ends training before the next step, and validation before the next batch, with a checkpoint from which it can be resumed. */
  stop(): void {
    this.#stop.abort();
    this.#wake();
  }

  /** Asks for a checkpoint with the next losses that are logged, if the run saves any before its end (`saveEvery`). */
  checkpoint(): void {
    this.#wantsCheckpoint = true;
  }

  /** Whether a checkpoint was asked for since the last call. @internal */
  takeCheckpoint(): boolean {
    const wanted = this.#wantsCheckpoint;
    this.#wantsCheckpoint = false;
    return wanted;
  }

  /** Resolves at once, or if paused, when resumed or stopped. */
  async whileRunning(): Promise<void> {
    while (this.#paused && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Does work that the controller's signal ends; returns undefined if the run was stopped meanwhile. */
export async function unlessStopped<Result>(
  { signal }: FitController,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}

/** Lets the host process workers' messages and page events. A timer would take at least four milliseconds in browsers. */
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
