// The times of commands while a profile runs: the first thread writes the time of each command next to the list of commands.

import type { KernelTime, Profile } from "../device.ts";
import type { Allocation } from "./memory.ts";
import type { Recorder } from "./recorder.ts";

export class CommandTimes implements Profile {
  readonly #names: string[] = [];
  readonly #submissions: { allocation: Allocation; bytes: number }[] = [];

  constructor(readonly recorder: Recorder) {}

  get kernels(): number {
    return this.#names.length;
  }

  add(command: string): void {
    this.#names.push(command);
  }

  /** Returns the address for the times of the next `count` commands. */
  place(count: number): number {
    const { pool, settled } = this.recorder;
    // This must be memory that none of the commands uses.
    const allocation = pool.allocateIdle(4 * count, settled);
    this.#submissions.push({ allocation, bytes: 4 * count });
    return allocation.address;
  }

  async stop(): Promise<KernelTime[]> {
    const { recorder } = this;
    recorder.submit();
    recorder.times = undefined;
    const times: number[] = [];
    for (const { allocation, bytes } of this.#submissions) {
      times.push(...new Float32Array(await recorder.executor.read(allocation.address, bytes)));
      recorder.pool.release(allocation);
    }
    return this.#names.map((kernel, i) => ({ kernel, time: times[i] }));
  }
}
