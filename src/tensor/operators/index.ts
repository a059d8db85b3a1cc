// All operators on tensors. Each records on the tape if an input needs a gradient.

export { add, clamp, divide, maximum, minimum, multiply, type Operand, subtract } from "./arithmetic.ts";
export { ballAttention, normPositionQkv } from "./attention.ts";
export type { Balls } from "./balls.ts";
export { accuracy, type CrossEntropyOptions, crossEntropy, logSoftmax, softmax } from "./classes.ts";
export type { LinearWeights } from "./destinations.ts";
export { dropout } from "./dropout.ts";
export { type AttentionOutput, attendedFeedForward, feedForward } from "./feedforward.ts";
export {
  abs,
  affine,
  cos,
  exp,
  gelu,
  log,
  negate,
  reciprocal,
  relu,
  scale,
  sigmoid,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
} from "./functions.ts";
export { type NodeSource, type PlacedNodes, placeLevel } from "./geometry.ts";
export { cloudMeans, cloudSums } from "./groups.ts";
export { type LinearExtras, linear } from "./linear.ts";
export { embeddingLookup } from "./lookup.ts";
export { gaussianNegativeLogLikelihood, huber, l1, mse, relativeL2, type Target } from "./losses.ts";
export { matmul, transpose } from "./matrices.ts";
export { argmax, cloudMax } from "./maxima.ts";
export { type GraphPart, messageMean } from "./messages.ts";
export * from "./norms.ts";
export { mean, sum } from "./reductions.ts";
export { reshape } from "./reshape.ts";
export { gatherRows, type Places, type RowIndex, type RowPlaces } from "./rows.ts";
export { concatenate, slice, split } from "./sections.ts";
