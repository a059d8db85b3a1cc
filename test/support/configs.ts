// Configs of models that several tests use.

import type { ReferenceConfigInput } from "./reference.ts";

/** The smallest model there is: one level, one block, no graph. */
export const oneBlock = {
  cIn: 3,
  cHidden: [8],
  ballSizes: [8],
  encNumHeads: [2],
  encDepths: [1],
  decNumHeads: [],
  decDepths: [],
  strides: [],
  mpSteps: 0,
} satisfies ReferenceConfigInput;

/**
 * No more than the embedding, for tests of what surrounds a model: a browser's software adapter takes six seconds to compile a
 * block's kernels, and does so again for each device.
 */
export const noBlock = { ...oneBlock, cIn: 4, encDepths: [0] } satisfies ReferenceConfigInput;

export { twoLevels } from "./two-levels.mjs";
