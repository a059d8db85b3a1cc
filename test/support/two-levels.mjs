// The config of a small model with all parts, for tests and for programs that run without a compiler.

/** Two levels, two blocks each, of which one sees rotated points, a graph and a decoder. */
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
};
