// The pace of a loop that hands work to a device: the host gets its turn between the steps, and never runs far ahead.

import type { Device } from "../backends/device.ts";
import { HostTurns } from "./control.ts";

/** Milliseconds of work that may be waiting for the device: so much later it stops when it is told to. */
const MOST_AHEAD = 200;
/** Steps that may be under way however long each takes: the device has work while the host prepares more. */
const LEAST_STEPS = 2;

/** Call `next` before each step and `began` after it has been handed to the device. `close` ends it: some hosts wait for that. */
export class Pace {
  readonly #device: Device;
  readonly #turns = new HostTurns();
  readonly #running: Promise<void>[] = [];
  #allowed = LEAST_STEPS;
  #lastEnd = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** @throws what the device failed of */
  async next(): Promise<void> {
    await this.#turns.next();
    while (this.#running.length >= this.#allowed) await this.#running[0];
  }

  began(): void {
    const begun = performance.now();
    const done = this.#device.finished().then(() => {
      const now = performance.now();
      const taken = now - Math.max(begun, this.#lastEnd);
      this.#lastEnd = now;
      this.#allowed = Math.max(LEAST_STEPS, Math.floor(MOST_AHEAD / Math.max(taken, 1)));
      this.#running.shift();
    });
    // Whoever waits for it gets the error.
    done.catch(() => {});
    this.#running.push(done);
  }

  close(): void {
    this.#turns.close();
  }
}
