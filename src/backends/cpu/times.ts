// The times of commands while a profile runs: the first thread writes the time of each command next to the list of commands.

import type { KernelTime, Profile } from "../device.ts";
import type { Allocation, AllocationPool } from "./memory.ts";
import type { Recorder } from "./recorder.ts";

export class CommandTimes implements Profile {
  readonly #names: string[] = [];
  readonly #submissions: { allocation: Allocation; bytes: number }[] = [];

  constructor(
    readonly recorder: Recorder,
    readonly pool: AllocationPool,
  ) {}

  get kernels(): number {
    return this.#names.length;
  }

  add(command: string): void {
    this.#names.push(command);
  }

  /** Returns the address for the times of the `count` commands that are being submitted. */
  place(count: number): number {
    const { recording } = this.recorder;
    // This must be memory that none of the commands uses.
    const allocation = this.pool.allocate(4 * count, ({ lastUse }) => lastUse < recording - 1);
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
      this.pool.release(allocation);
    }
    return this.#names.map((kernel, i) => ({ kernel, time: times[i] }));
  }
}
