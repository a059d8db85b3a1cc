// The times of kernels while a profile runs: each kernel has its own pass, between two timestamps.

import type { KernelTime, Profile } from "../device.ts";
import { bufferUsage, mapMode } from "./constants.ts";
import { nudged } from "./nudge.ts";
import type { WorkQueue } from "./queue.ts";
import type { Recorder } from "./recorder.ts";

/** The maximum number of timestamps in one set (WebGPU). */
const SET_SIZE = 4096;
const BYTES = 8;

export class Timestamps implements Profile {
  readonly #names: string[] = [];
  readonly #sets: GPUQuerySet[] = [];

  /** @param settle records the kernels that wait to be recorded */
  constructor(
    readonly recorder: Recorder,
    readonly work: WorkQueue,
    readonly settle: () => void,
  ) {
    this.#timeFromNow(this);
  }

  get kernels(): number {
    return this.#names.length;
  }

  /** Returns the descriptor of the next kernel's pass. */
  around(kernel: string): GPUComputePassDescriptor {
    const at = (2 * this.#names.push(kernel) - 2) % SET_SIZE;
    if (at === 0) this.#sets.push(this.recorder.allocations.timestamps(SET_SIZE));
    const querySet = this.#sets.at(-1)!;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
  }

  async stop(): Promise<KernelTime[]> {
    this.#timeFromNow(undefined);
    await this.work.done();
    const size = this.kernels * 2 * BYTES;
    if (size === 0) return [];
    const { device, allocations } = this.recorder;
    const made: { destroy(): void }[] = [...this.#sets];
    const make = (usage: number) => {
      const buffer = allocations.buffer({ size, usage }, "the times of kernels");
      made.push(buffer);
      return buffer;
    };
    try {
      const resolved = make(bufferUsage.QUERY_RESOLVE | bufferUsage.COPY_SRC);
      const readback = make(bufferUsage.MAP_READ | bufferUsage.COPY_DST);
      await allocations.verified();
      const encoder = device.createCommandEncoder();
      this.#sets.forEach((set, i) => {
        const count = Math.min(SET_SIZE, 2 * this.kernels - i * SET_SIZE);
        encoder.resolveQuerySet(set, 0, count, resolved, i * SET_SIZE * BYTES);
      });
      encoder.copyBufferToBuffer(resolved, 0, readback, 0, size);
      device.queue.submit([encoder.finish()]);
      await nudged(device.queue, readback.mapAsync(mapMode.READ));
      const nanoseconds = new BigUint64Array(readback.getMappedRange());
      const between = (from: number, to: number) => Number(nanoseconds[to] - nanoseconds[from]) / 1e6;
      return this.#names.map((kernel, i) => {
        // The clocks of some devices sometimes run backwards. The standard's unit is nanoseconds; wgpu, on which Deno is built,
        // returns the device's ticks, which are not nanoseconds on every GPU.
        const time = Math.max(0, between(2 * i, 2 * i + 1));
        return { kernel, time, start: between(0, 2 * i) };
      });
    } finally {
      for (const used of made) used.destroy();
    }
  }

  /** Sets what times the kernels that are recorded from now on. */
  #timeFromNow(timestamps: Timestamps | undefined): void {
    this.settle();
    this.work.add(() => {
      this.recorder.submit();
      this.recorder.timestamps = timestamps;
    });
  }
}
