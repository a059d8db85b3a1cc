// The operators of the optimiser. Gradients and parameters are packed one after the other, each from a multiple of 64 elements
// (one block) on. All sums are taken in a fixed order.

import type { Storage } from "./storage.ts";

/** Elements in one block of packed parameters: 256 bytes, so that each parameter can be bound by itself. */
export const BLOCK = 64;

/** The blocks of one tensor among the packed ones. */
export interface BlockRange {
  firstBlock: number;
  blocks: number;
}

/** Assigns consecutive blocks to tensors of these sizes. */
export function layOut(sizes: readonly number[]): { ranges: BlockRange[]; blocks: number } {
  let blocks = 0;
  const ranges = sizes.map((size) => {
    const range = { firstBlock: blocks, blocks: Math.ceil(size / BLOCK) };
    blocks += range.blocks;
    return range;
  });
  return { ranges, blocks };
}

/** The settings of one step of AdamW. */
interface AdamWSettings {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  /** The largest of any parameter. */
  weightDecay: number;
  averageDecay: number;
}

/** How a dynamic loss scale changes. */
export interface LossScaleGrowth {
  /** The number of steps in a row with finite gradients after which it doubles. */
  interval: number;
  /** It is not halved or doubled beyond these. */
  least: number;
  largest: number;
}

export interface OptimizerOperators {
  /**
   * sums[firstBlock + b] = (sum of squares, number of elements that are not finite) of each block b of a gradient, whose elements
   * are divided by the loss scale: `lossScale` [4] f32 holds the scale, its reciprocal, and what `adamw` keeps with it.
   */
  gradientSquares(a: { gradient: Storage; size: number; lossScale: Storage; sums: Storage; firstBlock: number }): void;

  /**
   * total = (norm of all gradients, factor that clips it to `maxNorm` (negative: no clipping), 1 + the first parameter with an element
   * that is not finite or 0, unused), f32. `norms` [count, 2] f32 is temporary memory.
   */
  gradientTotal(a: {
    sums: Storage;
    /** [count, 4] u32: first block, blocks, 1 if the gradient counts, unused. */
    ranges: Storage;
    norms: Storage;
    total: Storage;
    count: number;
    maxNorm: number;
  }): void;

  /** x *= factors[index]. */
  scale(a: { x: Storage; factors: Storage; index: number; size: number }): void;

  /**
   * Takes one step of AdamW, or none if the loss or a gradient is not finite. Gradients are divided by the loss scale. If that is
   * dynamic (`growth`), it is halved where a gradient is not finite, which `status` then does not note, unless the scale would
   * fall below the least, or the loss is not finite.
   */
  adamw(
    a: AdamWSettings & {
      weights: Storage;
      gradients: Storage;
      first: Storage;
      second: Storage;
      average: Storage | undefined;
      /** [blocks] u32: the parameter that each block belongs to. */
      owner: Storage;
      ranges: Storage;
      total: Storage;
      lossScale: Storage;
      growth: LossScaleGrowth | undefined;
      /** [count, 2] f32: the parameter's share of the learning rate, and of the weight decay that this gives. */
      shares: Storage;
      /** One f32. */
      loss: Storage;
      /** [count] u32: the steps of each parameter so far; incremented. */
      steps: Storage;
      /** [count, 4] f32: temporary memory. */
      values: Storage;
      /**
       * [4] u32: what was not finite first (0 nothing, 1 the loss, 2 + p the gradient of parameter p), in which call, the number
       * of calls, and the number of calls without a step.
       */
      status: Storage;
      /** Whether all steps are skipped after something was not finite, until status[0] is 0 again. */
      halt: boolean;
      blocks: number;
      count: number;
    },
  ): void;
}

/**
 * The factors of a step that are the same for all elements; parameters may have a share of what `decay` takes away. Logarithms are
 * bounded, for a beta of 0.
 */
export function adamwFactors({ lr, betas, weightDecay, averageDecay }: AdamWSettings) {
  const [logBeta1, logBeta2] = betas.map((beta) => Math.max(Math.log(beta), -20)) as [number, number];
  const rests = { beta1Rest: 1 - betas[0], beta2: betas[1], beta2Rest: 1 - betas[1], averageRest: 1 - averageDecay };
  return { logBeta1, logBeta2, decay: 1 - lr * weightDecay, ...rests };
}
