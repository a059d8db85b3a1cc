// The operators a device must run, on raw storage: a backend implements this interface and nothing else of the model.
// Shapes are checked above (src/tensor/operators), once for all backends; formulas stand in the kernels' headers (gpu/).
// All matrices are row-major float32; indices are unsigned 32-bit.

import type { Storage } from "./storage.ts";

/** Balls of one level in one order: where each starts and how many rows it has. */
export interface BallList {
  /** [count, 2] u32 on the device: first row, size. Balls follow each other without gaps and cover all rows. */
  storage: Storage;
  /** The same on the host, for splitting work. */
  host: Uint32Array;
  /** Largest size among them. */
  largest: number;
}

/** A linear map's parameters. */
export interface LinearParameters {
  weight: Storage;
  bias: Storage;
}

/** Where a gradient is written, or, with `accumulate`, added to. */
export interface Destination {
  storage: Storage;
  accumulate: boolean;
}

/** Where the gradients of a linear map's parameters go; either may be unwanted. */
export interface LinearDestinations {
  weight?: Destination;
  bias?: Destination;
}

/**
 * How an operator sees an array: the number of index (i, j, ...) lies at first + i strides[0] + j strides[1] + ... Slices
 * and transposes need no copy that way; an axis of stride 0 repeats.
 */
export interface Strided {
  storage: Storage;
  first: number;
  strides: readonly number[];
}

/** What `elementwise` computes: of x and y, or of x alone ("affine" is factor * x + shift). */
export const elementFunctions = [
  "affine",
  "add",
  "subtract",
  "multiply",
  "divide",
  "reciprocal",
  "square",
  "sqrt",
  "abs",
  "exp",
  "log",
  "sin",
  "cos",
  "gelu",
  "silu",
  "softplus",
] as const;
export type ElementFunction = (typeof elementFunctions)[number];

export interface Operators {
  /** out[i] = source[index[i]]; source [sources, width], index [rows], out [rows, width]. 32-bit numbers of any kind. */
  gatherRows(a: { source: Storage; index: Storage; out: Storage; sources: number; rows: number; width: number }): void;

  /** into[index[i]] (+)= source[i]; source [rows, width], index [rows] without repetition, into [targets, width]. */
  scatterRows(a: {
    source: Storage;
    index: Storage;
    into: Destination;
    rows: number;
    targets: number;
    width: number;
  }): void;

  /** y = [x, second] W^T + bias + residual; with `scatter`, row i of the product goes to row scatter[i] of y. */
  linear(a: {
    x: Storage;
    second?: Storage;
    weight: Storage;
    bias?: Storage;
    residual?: Storage;
    scatter?: Storage;
    y: Storage;
    rows: number;
    columns: number;
    inner: number;
    secondInner?: number;
  }): void;

  /** qkv = (RMSNorm(x[gather]) + offsets P^T + b_P) W^T + b, with q, k, v side by side in each row; qkv [rows, 3 width]. */
  normPositionQkv(a: {
    x: Storage;
    gather?: Storage;
    norm: Storage;
    offsets: Storage;
    position: LinearParameters;
    projection: LinearParameters;
    qkv: Storage;
    rows: number;
    width: number;
    dimensions: number;
  }): void;

  /** Attention inside each ball; out [rows, heads * headWidth], logSum [rows, heads] for the backward pass. */
  ballAttention(a: {
    qkv: Storage;
    positions: Storage;
    sigma: Storage;
    balls: BallList;
    out: Storage;
    logSum: Storage;
    rows: number;
    heads: number;
    headWidth: number;
    dimensions: number;
  }): void;

  /** y = x + W3 (W2 n * SiLU(W1 n)), n = RMSNorm(x; norm); the hidden layer exists only for some rows at a time. */
  feedForward(a: {
    x: Storage;
    norm: Storage;
    gate: LinearParameters;
    value: LinearParameters;
    output: LinearParameters;
    y: Storage;
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /**
   * The mean of the normalised messages arriving at the first `targets` nodes, written to the rows of out from
   * `firstTarget` (a multiple of 64) on.
   */
  messageMean(a: {
    h: Storage;
    positions: Storage;
    /** starts [nodes + 1], sources [edges], targets [edges], sorted by target. */
    graph: Storage;
    message: LinearParameters;
    norm: LinearParameters;
    out: Storage;
    firstTarget: number;
    nodes: number;
    targets: number;
    edges: number;
    width: number;
    dimensions: number;
  }): void;

  /** y = residual + LayerNorm(x). */
  layerNorm(a: {
    x: Storage;
    residual: Storage;
    norm: LinearParameters;
    y: Storage;
    rows: number;
    width: number;
  }): void;

  /** Mean and biased variance of each column, [width] both; moves the running ones towards them. */
  batchStatistics(a: {
    x: Storage;
    mean: Storage;
    variance: Storage;
    runningMean: Storage;
    runningVariance: Storage;
    rows: number;
    width: number;
  }): void;

  /** y = (x - mean) / sqrt(variance + eps) * weight + bias, column by column. */
  batchNorm(a: {
    x: Storage;
    mean: Storage;
    variance: Storage;
    norm: LinearParameters;
    y: Storage;
    rows: number;
    width: number;
  }): void;

  /** offsets = positions - mean of the ball's positions; both [rows, dimensions]. */
  ballOffsets(a: { positions: Storage; balls: BallList; offsets: Storage; rows: number; dimensions: number }): void;

  /** centres [groups, dimensions] = means over `stride` rows; offsets [groups * stride, dimensions] = positions - centre. */
  coarsenPositions(a: {
    positions: Storage;
    centres: Storage;
    offsets: Storage;
    groups: number;
    stride: number;
    dimensions: number;
  }): void;

  // Backward. Every gradient is summed in a fixed order: the same bits from run to run.

  /** y += x. */
  add(a: { x: Storage; y: Storage; size: number }): void;

  /** The backward of gatherRows: into[i] = sum of gradient[e] over the e that were picked from i. */
  gatherRowsBackward(a: {
    gradient: Storage;
    /** starts [sources + 1] and the picked rows, by source. */
    starts: Storage;
    entries: Storage;
    into: Destination;
    sources: number;
    rows: number;
    width: number;
  }): void;

  /** The backward of linear; `gradient` is that of y, [rows, columns]. */
  linearBackward(a: {
    gradient: Storage;
    x: Storage;
    second?: Storage;
    weight: Storage;
    scatter?: Storage;
    into: LinearDestinations & { x?: Destination; second?: Destination };
    rows: number;
    columns: number;
    inner: number;
    secondInner?: number;
  }): void;

  /** The backward of normPositionQkv; `gradient` is that of qkv. */
  normPositionQkvBackward(a: {
    gradient: Storage;
    x: Storage;
    gather?: Storage;
    norm: Storage;
    offsets: Storage;
    position: LinearParameters;
    projection: LinearParameters;
    into: { x?: Destination; norm?: Destination; position: LinearDestinations; projection: LinearDestinations };
    rows: number;
    width: number;
    dimensions: number;
  }): void;

  /** The backward of ballAttention: writes the gradient of qkv and that of sigma. */
  ballAttentionBackward(a: {
    gradient: Storage;
    qkv: Storage;
    positions: Storage;
    sigma: Storage;
    balls: BallList;
    out: Storage;
    logSum: Storage;
    into: { qkv: Storage; sigma?: Destination };
    rows: number;
    heads: number;
    headWidth: number;
    dimensions: number;
  }): void;

  /**
   * The backward of feedForward without its residual: `into.x` receives the gradient through the hidden layer only. It may be
   * added to `gradient` itself, each of whose rows is read before the same row is written.
   */
  feedForwardBackward(a: {
    gradient: Storage;
    x: Storage;
    norm: Storage;
    gate: LinearParameters;
    value: LinearParameters;
    output: LinearParameters;
    into: {
      x?: Destination;
      norm?: Destination;
      gate: LinearDestinations;
      value: LinearDestinations;
      output: LinearDestinations;
    };
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /** The backward of messageMean; the graph carries its edges by source too. `h` of the destinations is [nodes, width]. */
  messageMeanBackward(a: {
    gradient: Storage;
    firstTarget: number;
    h: Storage;
    positions: Storage;
    graph: Storage;
    /** [targets] 1 where an edge arrives, else 0. */
    arrived: Storage;
    message: LinearParameters;
    norm: LinearParameters;
    into: { h?: Destination; message: LinearDestinations; norm: LinearDestinations };
    nodes: number;
    targets: number;
    edges: number;
    width: number;
    dimensions: number;
  }): void;

  /** The backward of layerNorm without its residual. */
  layerNormBackward(a: {
    gradient: Storage;
    x: Storage;
    norm: LinearParameters;
    into: LinearDestinations & { x?: Destination };
    rows: number;
    width: number;
  }): void;

  /** The backward of batchNorm; with `training` the statistics are the batch's own and carry gradient. */
  batchNormBackward(a: {
    gradient: Storage;
    x: Storage;
    mean: Storage;
    variance: Storage;
    norm: LinearParameters;
    training: boolean;
    into: LinearDestinations & { x?: Destination };
    rows: number;
    width: number;
  }): void;

  // Everything else: heads, losses and what people build of their own is made of these two.

  /**
   * out[i] (+)= f(x[i], y[i]) for every index i of `shape`, or with `slope`, where f has one argument,
   * out[i] (+)= y[i] f'(x[i]). The slopes of the square root and of the absolute value at 0 are 0.
   */
  elementwise(a: {
    function: ElementFunction;
    slope?: boolean;
    x: Strided;
    y?: Strided;
    out: Strided;
    accumulate?: boolean;
    /** One to four axes. */
    shape: readonly number[];
    factor?: number;
    shift?: number;
  }): void;

  /** into[o, i] (+)= factor * sum over m of x[o, m, i]; x [outer, middle, inner], into [outer, inner]. */
  sumAxis(a: { x: Storage; into: Destination; outer: number; middle: number; inner: number; factor?: number }): void;
}
