// Computes the global norm of a model's gradients, divided by their loss scale, and finds the first gradient that is not finite.
// Both results stay on the device.

import { expectKind } from "../../arguments/kinds.ts";
import type { Device, Storage } from "../../backends/device.ts";
import type { BlockRange } from "../../backends/optimizer.ts";
import { LossScale } from "./loss-scale.ts";
import { OwnMemory } from "./own-memory.ts";

/** Measures gradients, with memory that is reused in every step. */
export class GradientMeasure {
  /** The result: (norm, clipping factor, 1 + the first parameter whose gradient is not finite or 0, unused). */
  readonly total: Storage;
  /** [count, 4] u32: first block, blocks, whether the gradient counts, unused. */
  readonly ranges: Storage;
  /** The scale of the gradients, as operators take it; 1 unless there is another. */
  readonly lossScale: Storage;
  readonly #unscaled: LossScale | undefined;
  readonly #memory: OwnMemory;
  readonly #sums: Storage;
  readonly #norms: Storage;
  readonly #table: Uint32Array;

  constructor(
    readonly device: Device,
    ranges: readonly BlockRange[],
    blocks: number,
    lossScale?: LossScale,
  ) {
    const memory = new OwnMemory(device);
    this.#memory = memory;
    this.#table = new Uint32Array(ranges.flatMap(({ firstBlock, blocks }) => [firstBlock, blocks, 0, 0]));
    try {
      this.total = memory.allocate(16);
      this.ranges = memory.allocate(this.#table.byteLength);
      this.#sums = memory.allocate(blocks * 8);
      this.#norms = memory.allocate(ranges.length * 8);
      this.#unscaled = lossScale ? undefined : new LossScale(device, 1);
    } catch (error) {
      memory.free();
      throw error;
    }
    this.lossScale = (lossScale ?? this.#unscaled!).storage;
    device.write(this.ranges, this.#table);
  }

  /** Sets which parameters have a gradient; the others do not count. */
  include(counts: readonly boolean[]): void {
    let changed = false;
    counts.forEach((value, p) => {
      changed ||= Boolean(this.#table[4 * p + 2]) !== value;
      this.#table[4 * p + 2] = value ? 1 : 0;
    });
    if (changed) this.device.write(this.ranges, this.#table);
  }

  /** @param maxNorm the norm to which gradients are clipped; by default they are not */
  run(gradients: readonly { gradient: Storage; size: number; firstBlock: number }[], maxNorm = -1): void {
    const { lossScale } = this;
    for (const gradient of gradients) {
      this.device.operators.gradientSquares({ ...gradient, lossScale, sums: this.#sums });
    }
    this.device.operators.gradientTotal({
      sums: this.#sums,
      ranges: this.ranges,
      norms: this.#norms,
      total: this.total,
      count: this.#table.length / 4,
      maxNorm,
    });
  }

  dispose(): void {
    this.#unscaled?.dispose();
    this.#memory.free();
  }
}

/** @throws InputError for what is no norm to clip to. */
export function expectMaxNorm(maxNorm: unknown): void {
  expectKind("maxNorm", maxNorm, "a number of at least 0", typeof maxNorm === "number" && maxNorm >= 0);
}
