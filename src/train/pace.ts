// The pace of a loop that submits work to a device: the host can do other work between the steps, and never runs far ahead.

import type { Device } from "../backends/device.ts";
import { HostTurns } from "./control.ts";

/** The milliseconds of work that may wait for the device, which also is the delay when it is told to stop. */
const MAX_AHEAD = 200;
/** The number of steps that may always be under way, so that the device has work while the host prepares more. */
const MIN_STEPS = 2;

/** Call `next` before each step and `began` after its submission. Without `close` at the end, a process does not end. */
export class Pace {
  readonly #device: Device;
  readonly #turns = new HostTurns();
  readonly #running: Promise<void>[] = [];
  #allowed = MIN_STEPS;
  #lastEnd = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** @throws the error of a step that failed */
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
      this.#allowed = Math.max(MIN_STEPS, Math.floor(MAX_AHEAD / Math.max(taken, 1)));
      this.#running.shift();
    });
    // The error is handled where the step is awaited.
    done.catch(() => {});
    this.#running.push(done);
  }

  close(): void {
    this.#turns.close();
  }
}
