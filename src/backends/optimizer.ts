// The operators of the optimiser: on gradients and parameters packed one after the other, each from a multiple of 64 numbers
// (one block) on. All sums are taken in a fixed order.

import type { Storage } from "./storage.ts";

/** Numbers in one block of packed parameters: 256 bytes, so that each parameter can be bound by itself. */
export const BLOCK = 64;

export interface OptimizerOperators {
  /** sums[firstBlock + b] = (sum of squares, numbers that are not finite) of each block of a gradient. */
  gradientSquares(a: { gradient: Storage; size: number; sums: Storage; firstBlock: number }): void;

  /**
   * total = (norm of all gradients, factor that brings it down to `most` (0: no limit), 1 + the first parameter with a number
   * that is not finite or 0, unused), f32. `norms` [count, 2] f32 is for the operator's own use.
   */
  gradientTotal(a: {
    sums: Storage;
    /** [count, 4] u32: first block, blocks, 1 where the gradient counts, unused. */
    ranges: Storage;
    norms: Storage;
    total: Storage;
    count: number;
    most: number;
  }): void;

  /** x *= factors[index]. */
  scale(a: { x: Storage; factors: Storage; index: number; size: number }): void;

  /** One step of AdamW, or none where the loss or a gradient is not finite. */
  adamw(a: {
    weights: Storage;
    gradients: Storage;
    first: Storage;
    second: Storage;
    average: Storage | undefined;
    /** [blocks] u32: the parameter each block belongs to. */
    owner: Storage;
    ranges: Storage;
    total: Storage;
    /** One f32. */
    loss: Storage;
    /** [count] u32, counted up. */
    steps: Storage;
    /** [count, 4] f32, for the operator's own use. */
    values: Storage;
    /** [4] u32: what was not finite first (0 nothing, 1 the loss, 2 + p), at which call, calls, calls without a step. */
    status: Storage;
    /** Whether nothing happens any more once something was not finite, until status[0] is 0 again. */
    halt: boolean;
    blocks: number;
    count: number;
    lr: number;
    betas: readonly [number, number];
    eps: number;
    weightDecay: number;
    averageDecay: number;
  }): void;
}
