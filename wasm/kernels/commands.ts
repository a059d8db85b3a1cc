// The commands that the threads execute, as they lie in memory: 32-bit words, each command as long as the longest. An exported
// class is a command and lists its fields, after those of the class that it extends; its index among the exported classes is its
// code. src/backends/cpu/commands.ts reads this text, so this is the only definition of the layouts. The address of an optional
// array that is left out is 0. Sizes count rows and elements, not bytes, unless the name says so. The function that takes a
// command defines what it computes.

class Command {
  code: u32;
}

class RowCommand extends Command {
  rows: u32;
  width: u32;
}

class ColumnsCommand extends RowCommand {
  x: usize;
  mean: usize;
  variance: usize;
}

/** A command for which each thread has `scratchBytes` bytes of its own. */
class ScratchCommand extends Command {
  scratch: usize;
  scratchBytes: u32;
}

class MessageCommand extends ScratchCommand {
  products: usize;
  positions: usize;
  graph: usize;
  weight: usize;
  normWeight: usize;
  nodes: u32;
  edges: u32;
  width: u32;
  dimensions: u32;
}

export class Copy extends Command {
  from: usize;
  to: usize;
  bytes: u32;
}

export class Clear extends Command {
  to: usize;
  bytes: u32;
}

export class Add extends Command {
  x: usize;
  y: usize;
  size: u32;
}

export class GatherRows extends RowCommand {
  source: usize;
  index: usize;
  out: usize;
}

export class ScatterRows extends RowCommand {
  source: usize;
  index: usize;
  out: usize;
  accumulate: u32;
}

export class GatherSum extends RowCommand {
  x: usize;
  starts: usize;
  entries: usize;
  out: usize;
  accumulate: u32;
}

export class NormPosition extends ScratchCommand {
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
}

export class RmsNormBackward extends RowCommand {
  x: usize;
  gather: usize;
  norm: usize;
  scale: usize;
  dy: usize;
  dx: usize;
  accumulate: u32;
}

export class Product extends ScratchCommand {
  rows: u32;
  columns: u32;
  inner: u32;
  secondInner: u32;
  // The left factor.
  left: usize;
  leftStride: u32;
  leftAlong: u32;
  second: usize;
  gather: usize;
  // The right factor.
  right: usize;
  rightStride: u32;
  rightAlong: u32;
  packedWidth: u32;
  /** W2 of the gated hidden layer, for which `right` is W1. */
  value: usize;
  // The epilogue.
  bias: usize;
  valueBias: usize;
  residual: usize;
  scatter: usize;
  accumulate: u32;
  out: usize;
  outStride: u32;
  outPackedWidth: u32;
  /** What the gated hidden layer keeps for its backward pass, if given. */
  keptGate: usize;
  keptValue: usize;
  /** For the backward pass of the gated hidden layer without what it kept. */
  dgate: usize;
  dvalue: usize;
  // The division into blocks.
  rowBlock: u32;
  columnBlock: u32;
  /** Whether a thread keeps the left factor's strips for all columns. */
  keepsLeft: u32;
}

export class SwigluBackward extends Command {
  dgate: usize;
  dvalue: usize;
  hidden: usize;
  size: u32;
}

export class ColumnSums extends Command {
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

export class BallAttention extends ScratchCommand {
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
}

export class BallAttentionBackward extends BallAttention {
  gradient: usize;
  dqkv: usize;
  rowTerms: usize;
}

export class LayerNorm extends RowCommand {
  x: usize;
  residual: usize;
  weight: usize;
  bias: usize;
  y: usize;
}

export class LayerNormBackward extends RowCommand {
  x: usize;
  weight: usize;
  dy: usize;
  dx: usize;
  accumulate: u32;
  normalised: usize;
}

export class BatchStatistics extends ColumnsCommand {
  runningMean: usize;
  runningVariance: usize;
}

export class BatchNorm extends ColumnsCommand {
  weight: usize;
  bias: usize;
  y: usize;
}

export class BatchNormSums extends ColumnsCommand {
  dy: usize;
  sums: usize;
  dweight: usize;
  accumulateWeight: u32;
  dbias: usize;
  accumulateBias: u32;
}

export class BatchNormBackward extends ColumnsCommand {
  weight: usize;
  dy: usize;
  sums: usize;
  x_gradient: usize;
  training: u32;
  accumulate: u32;
}

export class BallOffsets extends Command {
  positions: usize;
  balls: usize;
  ballCount: u32;
  offsets: usize;
  dimensions: u32;
}

export class CoarsenPositions extends Command {
  positions: usize;
  centres: usize;
  offsets: usize;
  groups: u32;
  stride: u32;
  dimensions: u32;
}

export class MessageMean extends MessageCommand {
  normBias: usize;
  out: usize;
  targets: u32;
}

export class MessageBackwardArriving extends MessageCommand {
  dout: usize;
  /** For each edge the mean of the message, its inverse deviation, the mean of dn and the mean of dn n. */
  moments: usize;
  plain: usize;
  asTarget: usize;
  terms: usize;
  targets: u32;
}

export class MessageBackwardLeaving extends MessageCommand {
  dout: usize;
  moments: usize;
  asSource: usize;
}

export class Elementwise extends Command {
  /** An ElementFunction. */
  chosen: u32;
  derivative: u32;
  accumulate: u32;
  factor: f32;
  shift: f32;
  x: usize;
  y: usize;
  out: usize;
  // The size and the strides of each axis, outermost first.
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

export class SumAxis extends Command {
  x: usize;
  out: usize;
  accumulate: u32;
  outer: u32;
  middle: u32;
  inner: u32;
  factor: f32;
}

export class GradientSquares extends Command {
  gradient: usize;
  size: u32;
  lossScale: usize;
  /** The address of the gradient's first block. */
  sums: usize;
}

export class GradientNorms extends Command {
  sums: usize;
  ranges: usize;
  norms: usize;
  count: u32;
}

export class GradientTotal extends Command {
  norms: usize;
  total: usize;
  count: u32;
  maxNorm: f32;
}

export class Scale extends Command {
  x: usize;
  factor: usize;
  size: u32;
}

export class AdamwControl extends Command {
  ranges: usize;
  total: usize;
  loss: usize;
  steps: usize;
  values: usize;
  status: usize;
  lossScale: usize;
  shares: usize;
  halt: u32;
  count: u32;
  lr: f32;
  decay: f32;
  logBeta1: f32;
  logBeta2: f32;
  growthInterval: f32;
  leastScale: f32;
  largestScale: f32;
}

export class Adamw extends Command {
  owner: usize;
  values: usize;
  gradients: usize;
  weights: usize;
  first: usize;
  second: usize;
  average: usize;
  blocks: u32;
  beta1Rest: f32;
  beta2: f32;
  beta2Rest: f32;
  epsilon: f32;
  averageRest: f32;
}

export class MultiplyAdd extends Command {
  x: usize;
  size: u32;
  rounds: u32;
  factor: f32;
  term: f32;
}
