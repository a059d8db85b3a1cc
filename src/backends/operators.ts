// The contract of a device, on raw storage: a backend implements `Primitives` and nothing else of the model. What is made of
// several of them is written once for all backends (composites/). Shapes are checked above (src/tensor/operators); formulas
// stand in the kernels' headers (gpu/). All matrices are row-major float32; indices are unsigned 32-bit.

import type { OptimizerOperators } from "./optimizer.ts";
import type { RowOperators } from "./row-kernels.ts";
import type { Memory, Storage } from "./storage.ts";
import type { YardstickOperators } from "./yardstick.ts";

export type { Memory, Storage } from "./storage.ts";

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

/** Operators that a device runs by itself. */
export interface DirectOperators {
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
    /** x is a hidden layer, as normSwiglu writes it. */
    fromHidden?: boolean;
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

/**
 * The gradient of a matrix product gives those of its two sides: gradient [rows, columns], the weight's element (c, k) at
 * offset + c * stride + k with k < inner.
 */
export interface ProductGradient {
  gradient: Storage;
  /** Row i of the gradient is row gather[i] of what is stored; only on devices that are `indirect`. */
  gather?: Storage;
  rows: number;
  columns: number;
  inner: number;
  /** By default `inner`. */
  stride?: number;
  /** By default 0. */
  offset?: number;
  /** Width of the packed qkv weight (gpu/packing.wgsl); by default the weight is not packed. */
  packedWidth?: number;
}

/** Message passing over a graph, by what its kernels work on. */
export interface MessageShape {
  positions: Storage;
  /** starts [nodes + 1], sources [edges], targets [edges], sorted by target; for gradients its edges by source too. */
  graph: Storage;
  message: LinearParameters;
  norm: LinearParameters;
  nodes: number;
  targets: number;
  edges: number;
  width: number;
  dimensions: number;
}

/** What the composites are made of. Every gradient is summed in a fixed order: the same bits from run to run. */
export interface CompositeParts {
  /** Whether kernels read rows through an index (`gather`); else the rows are brought into their order before. */
  readonly indirect: boolean;

  /** into [rows, inner] (+)= gradient W. */
  inputGradient(a: ProductGradient & { weight: Storage; into: Destination }): void;

  /** into.weight (+)= gradient^T x, x [rows, inner], and into.bias [columns] (+)= the sums of the gradient's columns. */
  weightGradient(a: ProductGradient & { x: Storage; into: LinearDestinations }): void;

  /** into[c] (+)= sum over rows of x[row, c] (* factor[row, c]) (* scale[row]), plain[c] (+)= sum over rows of x[row, c]. */
  columnSums(a: {
    x: Storage;
    factor?: Storage;
    /** Row i of the factor is row factorGather[i] of what is stored; only on devices that are `indirect`. */
    factorGather?: Storage;
    scale?: Storage;
    into?: Destination;
    plain?: Destination;
    rows: number;
    columns: number;
  }): void;

  /** y = RMSNorm(x[gather]; norm) (+ offsets P^T + b_P), scale [rows] = what each row was multiplied by. */
  normPosition(a: {
    x: Storage;
    /** Only on devices that are `indirect`. */
    gather?: Storage;
    norm: Storage;
    offsets?: Storage;
    position?: LinearParameters;
    y: Storage;
    scale: Storage;
    rows: number;
    width: number;
    dimensions?: number;
  }): void;

  /** Bytes of an element of what normSwiglu writes. */
  readonly hiddenBytes: number;
  /** How many rows of the feed-forward's hidden layer exist at a time, with `arrays` of them side by side in a row. */
  hiddenRows(hiddenWidth: number, arrays: number): number;

  /** hidden = (W2 n) * SiLU(W1 n), n = RMSNorm(x; norm); hidden [rows, hiddenWidth] in elements of `hiddenBytes`. */
  normSwiglu(a: {
    x: Storage;
    norm: Storage;
    gate: LinearParameters;
    value: LinearParameters;
    hidden: Storage;
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /**
   * The gradients of both sides of hidden = (W2 y) * SiLU(W1 y). `hidden` holds its own gradient before and its value after;
   * `dgates` receives those of gate and value, 2 rows * hiddenWidth elements in an order of the device's own.
   */
  swigluBackward(a: {
    y: Storage;
    gate: LinearParameters;
    value: LinearParameters;
    hidden: Storage;
    dgates: Storage;
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /** inputGradient of gate and value together, from swigluBackward's `dgates`: dy [rows, width]. */
  gatesInputGradient(a: {
    dgates: Storage;
    gate: LinearParameters;
    value: LinearParameters;
    dy: Storage;
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /** weightGradient of gate and value, from swigluBackward's `dgates`. */
  gatesWeightGradients(a: {
    dgates: Storage;
    y: Storage;
    into: { gate: LinearDestinations; value: LinearDestinations };
    rows: number;
    width: number;
    hiddenWidth: number;
  }): void;

  /** The gradient of qkv, and rowTerms [rows, heads], whose column sums are that of sigma. */
  ballAttentionGradients(a: {
    gradient: Storage;
    qkv: Storage;
    positions: Storage;
    sigma: Storage;
    balls: BallList;
    out: Storage;
    logSum: Storage;
    dqkv: Storage;
    rowTerms: Storage;
    rows: number;
    heads: number;
    headWidth: number;
    dimensions: number;
  }): void;

  /** Each node's share in the messages it sends and receives, in an order of the device's own; the caller releases it. */
  messageProducts(a: Pick<MessageShape, "message" | "nodes" | "width" | "dimensions"> & { h: Storage }): Storage;

  /** The mean of the normalised messages arriving at each target, from the nodes' products; out [targets, width]. */
  messageMeans(a: MessageShape & { products: Storage; out: Storage }): void;

  /**
   * The gradient of messageMeans: what arrives at each node as the target and as the source of messages, both [nodes, width],
   * which the caller releases; the gradients of the norm's parameters and of the weight's columns for positions.
   */
  messageGradients(
    a: MessageShape & {
      products: Storage;
      /** Of the targets, [targets, width]. */
      gradient: Storage;
      /** [targets] 1 where an edge arrives, else 0. */
      arrived: Storage;
      into: { weight?: Destination; norm: LinearDestinations };
    },
  ): { asTarget: Storage; asSource: Storage };

  /** sums [2, width] = the column sums of dy and of dy times the normalised x, which are the gradients of bias and weight. */
  batchNormSums(a: {
    x: Storage;
    mean: Storage;
    variance: Storage;
    dy: Storage;
    sums: Storage;
    into: LinearDestinations;
    rows: number;
    width: number;
  }): void;
}

/** All that a device must run. */
export interface Primitives
  extends Memory,
    DirectOperators,
    RowOperators,
    CompositeParts,
    OptimizerOperators,
    YardstickOperators {}
