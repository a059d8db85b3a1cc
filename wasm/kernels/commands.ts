// The commands the threads execute, as they lie in memory: 32-bit words, each command as long as the longest. A class lists a
// command's fields; its place among the classes is its code. src/backends/cpu/commands.ts reads this text, so that each layout
// is written down once. Addresses are 0 where an optional input is left out; sizes count rows and numbers, not bytes, unless the
// name says so. What a command computes stands with the function of the same name.

export class Copy {
  code: u32;
  from: usize;
  to: usize;
  bytes: u32;
}

export class Clear {
  code: u32;
  to: usize;
  bytes: u32;
}

export class Add {
  code: u32;
  x: usize;
  y: usize;
  size: u32;
}

export class GatherRows {
  code: u32;
  source: usize;
  index: usize;
  out: usize;
  rows: u32;
  width: u32;
}

export class ScatterRows {
  code: u32;
  source: usize;
  index: usize;
  out: usize;
  accumulate: u32;
  rows: u32;
  width: u32;
}

export class GatherSum {
  code: u32;
  x: usize;
  starts: usize;
  entries: usize;
  out: usize;
  accumulate: u32;
  rows: u32;
  width: u32;
}

export class NormPosition {
  code: u32;
  x: usize;
  gather: usize;
  norm: usize;
  offsets: usize;
  positionWeight: usize;
  positionBias: usize;
  y: usize;
  scale: usize;
  rows: u32;
  width: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class RmsNormBackward {
  code: u32;
  x: usize;
  gather: usize;
  norm: usize;
  scale: usize;
  dy: usize;
  dx: usize;
  accumulate: u32;
  rows: u32;
  width: u32;
}

export class Product {
  code: u32;
  rows: u32;
  columns: u32;
  inner: u32;
  secondInner: u32;
  // The left side.
  left: usize;
  leftStride: u32;
  leftAlong: u32;
  second: usize;
  gather: usize;
  // The right side.
  right: usize;
  rightStride: u32;
  rightAlong: u32;
  packedWidth: u32;
  /** W2 of the gated hidden layer; then `right` is W1. */
  value: usize;
  // What is done with a sum.
  bias: usize;
  valueBias: usize;
  residual: usize;
  scatter: usize;
  accumulate: u32;
  out: usize;
  outStride: u32;
  outPackedWidth: u32;
  /** Of the gated hidden layer's backward. */
  dgate: usize;
  dvalue: usize;
  // How it is cut up.
  rowBlock: u32;
  columnBlock: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class ColumnSums {
  code: u32;
  x: usize;
  stride: u32;
  factor: usize;
  factorStride: u32;
  factorGather: usize;
  scale: usize;
  out: usize;
  outStep: u32;
  packedWidth: u32;
  accumulate: u32;
  rows: u32;
  columns: u32;
}

export class BallAttention {
  code: u32;
  qkv: usize;
  positions: usize;
  sigma: usize;
  balls: usize;
  ballCount: u32;
  largest: u32;
  out: usize;
  logSum: usize;
  heads: u32;
  headWidth: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class BallAttentionBackward {
  code: u32;
  gradient: usize;
  qkv: usize;
  positions: usize;
  sigma: usize;
  balls: usize;
  ballCount: u32;
  largest: u32;
  out: usize;
  logSum: usize;
  dqkv: usize;
  rowTerms: usize;
  heads: u32;
  headWidth: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class LayerNorm {
  code: u32;
  x: usize;
  residual: usize;
  weight: usize;
  bias: usize;
  y: usize;
  rows: u32;
  width: u32;
}

export class LayerNormBackward {
  code: u32;
  x: usize;
  weight: usize;
  dy: usize;
  dx: usize;
  accumulate: u32;
  normalised: usize;
  rows: u32;
  width: u32;
}

export class BatchStatistics {
  code: u32;
  x: usize;
  mean: usize;
  variance: usize;
  runningMean: usize;
  runningVariance: usize;
  rows: u32;
  width: u32;
}

export class BatchNorm {
  code: u32;
  x: usize;
  mean: usize;
  variance: usize;
  weight: usize;
  bias: usize;
  y: usize;
  rows: u32;
  width: u32;
}

export class BatchNormSums {
  code: u32;
  x: usize;
  mean: usize;
  variance: usize;
  dy: usize;
  sums: usize;
  dweight: usize;
  accumulateWeight: u32;
  dbias: usize;
  accumulateBias: u32;
  rows: u32;
  width: u32;
}

export class BatchNormBackward {
  code: u32;
  x: usize;
  mean: usize;
  variance: usize;
  weight: usize;
  dy: usize;
  sums: usize;
  dx: usize;
  training: u32;
  accumulate: u32;
  rows: u32;
  width: u32;
}

export class BallOffsets {
  code: u32;
  positions: usize;
  balls: usize;
  ballCount: u32;
  offsets: usize;
  dimensions: u32;
}

export class CoarsenPositions {
  code: u32;
  positions: usize;
  centres: usize;
  offsets: usize;
  groups: u32;
  stride: u32;
  dimensions: u32;
}

export class MessageMean {
  code: u32;
  products: usize;
  positions: usize;
  graph: usize;
  weight: usize;
  normWeight: usize;
  normBias: usize;
  out: usize;
  nodes: u32;
  targets: u32;
  edges: u32;
  width: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class MessageBackwardArriving {
  code: u32;
  products: usize;
  positions: usize;
  graph: usize;
  weight: usize;
  normWeight: usize;
  dout: usize;
  /** For each edge: mean of the message, its inverse deviation, mean of dn, mean of dn n. */
  moments: usize;
  plain: usize;
  asTarget: usize;
  terms: usize;
  nodes: u32;
  targets: u32;
  edges: u32;
  width: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class MessageBackwardLeaving {
  code: u32;
  products: usize;
  positions: usize;
  graph: usize;
  weight: usize;
  normWeight: usize;
  dout: usize;
  moments: usize;
  asSource: usize;
  nodes: u32;
  edges: u32;
  width: u32;
  dimensions: u32;
  scratch: usize;
  scratchBytes: u32;
}

export class Elementwise {
  code: u32;
  /** An ElementFunction. */
  chosen: u32;
  slope: u32;
  accumulate: u32;
  factor: f32;
  shift: f32;
  x: usize;
  y: usize;
  out: usize;
  // Size and strides of each axis, the innermost last.
  size0: u32;
  x0: u32;
  y0: u32;
  out0: u32;
  size1: u32;
  x1: u32;
  y1: u32;
  out1: u32;
  size2: u32;
  x2: u32;
  y2: u32;
  out2: u32;
  size3: u32;
  x3: u32;
  y3: u32;
  out3: u32;
}

export class SumAxis {
  code: u32;
  x: usize;
  out: usize;
  accumulate: u32;
  outer: u32;
  middle: u32;
  inner: u32;
  factor: f32;
}

export class GradientSquares {
  code: u32;
  gradient: usize;
  size: u32;
  /** Of the gradient's first block. */
  sums: usize;
}

export class GradientNorms {
  code: u32;
  sums: usize;
  ranges: usize;
  norms: usize;
  count: u32;
}

export class GradientTotal {
  code: u32;
  norms: usize;
  total: usize;
  count: u32;
  most: f32;
}

export class Scale {
  code: u32;
  x: usize;
  factor: usize;
  size: u32;
}

export class AdamwControl {
  code: u32;
  ranges: usize;
  total: usize;
  loss: usize;
  steps: usize;
  values: usize;
  status: usize;
  halt: u32;
  count: u32;
  lr: f32;
  logBeta1: f32;
  logBeta2: f32;
}

export class Adamw {
  code: u32;
  owner: usize;
  values: usize;
  gradients: usize;
  weights: usize;
  first: usize;
  second: usize;
  average: usize;
  blocks: u32;
  decay: f32;
  beta1Rest: f32;
  beta2: f32;
  beta2Rest: f32;
  epsilon: f32;
  averageRest: f32;
}

export class MultiplyAdd {
  code: u32;
  x: usize;
  size: u32;
  rounds: u32;
  factor: f32;
  term: f32;
}
