// What the commands took, while somebody wants to know: the first thread writes it beside the commands as it goes.

import type { KernelTime, Profile } from "../device.ts";
import type { Piece } from "./memory.ts";
import type { Recorder } from "./recorder.ts";

export class CommandTimes implements Profile {
  readonly #names: string[] = [];
  readonly #submissions: { piece: Piece; bytes: number }[] = [];

  constructor(readonly recorder: Recorder) {}

  get kernels(): number {
    return this.#names.length;
  }

  add(command: string): void {
    this.#names.push(command);
  }

  /** Where the times of the next `count` commands go. */
  place(count: number): number {
    const { pool, settled } = this.recorder;
    // Memory that none of the commands uses.
    const piece = pool.allocateIdle(4 * count, settled);
    this.#submissions.push({ piece, bytes: 4 * count });
    return piece.address;
  }

  async stop(): Promise<KernelTime[]> {
    const { recorder } = this;
    recorder.submit();
    recorder.times = undefined;
    const times: number[] = [];
    for (const { piece, bytes } of this.#submissions) {
      times.push(...new Float32Array(await recorder.executor.read(piece.address, bytes)));
      recorder.pool.release(piece);
    }
    return this.#names.map((kernel, i) => ({ kernel, time: times[i]! }));
  }
}
