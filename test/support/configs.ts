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

/** A small model with all parts: two levels, two blocks each, of which one sees rotated points, a graph and a decoder. */
export const twoLevels = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [2, 2],
  decNumHeads: [2],
  decDepths: [2],
  strides: [4],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
} satisfies ReferenceConfigInput;
