// The config of the main model for a folder's config that gives no more than a size.

import type { ErwinConfigInput } from "../../erwin/config.ts";

/** Channels of the finest level, by size. */
export const modelSizes = { small: 32, medium: 64, large: 128 } as const;
export type ModelSize = keyof typeof modelSizes;

/** The size of all balls of a size's levels. */
const BALL = 256;
/** Whether a single ball holds each cloud, so that the levels above it add work and no reach. */
export const isOneBall = (mostPoints: number): boolean => mostPoints <= BALL;
/** What suits such clouds in place of a size's four levels: a step takes a third of the time, and fewer weights are to be learnt. */
export const twoLevels = {
  ballSizes: [128, 128],
  strides: [2],
  encDepths: [2, 2],
  encNumHeads: [2, 4],
  decDepths: [2],
  decNumHeads: [2],
} as const satisfies Partial<ErwinConfigInput>;

/** Returns a config of four levels, as in the paper's cosmology: for clouds of some hundreds to many thousands of points. */
export function modelConfig(size: ModelSize): Omit<ErwinConfigInput, "dimensionality"> {
  const width = modelSizes[size];
  return {
    cIn: width,
    cHidden: width,
    ballSizes: [BALL, BALL, BALL, BALL],
    encNumHeads: [2, 4, 8, 16],
    encDepths: [2, 2, 6, 2],
    decNumHeads: [2, 4, 8],
    decDepths: [2, 2, 2],
    strides: [2, 2, 2],
    rotate: 45,
  };
}
