// The contract of a device, on raw storage: a backend implements `Primitives` and nothing else of the model. Operators that consist
// of several primitives are written once for all backends (composites/). Callers check shapes (src/tensor/operators); the
// kernels' headers state the formulas (gpu/). All matrices are row-major float32; indices are unsigned 32-bit integers.

import type { OptimizerOperators } from "./optimizer.ts";
import type { RooflineOperators } from "./roofline.ts";
import type { RowOperators } from "./row-kernels.ts";
import type { Memory, Storage } from "./storage.ts";

export type { Memory, Storage } from "./storage.ts";

/** The balls of one level in one order. */
export interface BallList {
  /** [count, 2] u32 on the device: first row and size of each ball. Balls are contiguous and cover all rows. */
  storage: Storage;
  /** The same on the host, for splitting work. */
  host: Uint32Array;
  /** The size of the largest ball. */
  largest: number;
}

/** The parameters of a linear map. */
export interface LinearParameters {
  weight: Storage;
  bias: Storage;
}

/** Where a gradient is written or, with `accumulate`, added. */
export interface Destination {
  storage: Storage;
  accumulate: boolean;
}

/** The destinations of the gradients of a linear map's parameters. Either may be absent. */
export interface LinearDestinations {
  weight?: Destination;
  bias?: Destination;
}

/** A destination for one of several parts: what is `later` than the first is added to what that has written. */
export const ofPart = (destination: Destination | undefined, later: boolean): Destination | undefined =>
  destination && { ...destination, accumulate: destination.accumulate || later };

/** The same for the parameters of a linear map. */
export const pairOfPart = ({ weight, bias }: LinearDestinations, later: boolean): LinearDestinations => ({
  weight: ofPart(weight, later),
  bias: ofPart(bias, later),
});

/**
 * A strided view of an array: element (i, j, ...) is at first + i strides[0] + j strides[1] + ..., so that slices and transposes
 * need no copy. An axis of stride 0 is broadcast.
 */
export interface Strided {
  storage: Storage;
  first: number;
  strides: readonly number[];
}

/** The functions of `elementwise`, of x and y or of x alone ("affine" is factor * x + shift). */
export const elementFunctions = [
  "affine",
  "add",
  "subtract",
  "multiply",
  "divide",
  "maximum",
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
  "sigmoid",
  "tanh",
  "relu",
] as const;
export type ElementFunction = (typeof elementFunctions)[number];

/** A linear map of [x, second], the concatenation of the rows of x [rows, inner] and second [rows, secondInner]. */
export interface LinearMap {
  x: Storage;
  second?: Storage;
  /** [columns, inner + secondInner] */
  weight: Storage;
  /** [rows] Row i of the result is row scatter[i] of what is stored. */
  scatter?: Storage;
  rows: number;
  columns: number;
  inner: number;
  secondInner?: number;
}

/** BatchNorm with given statistics, all [width]. */
export interface ColumnNorm extends LinearParameters {
  mean: Storage;
  variance: Storage;
  width: number;
}

/** y = residual + LayerNorm([x, second] W^T + bias; norm). */
export interface LinearLayerNorm extends Omit<LinearMap, "scatter"> {
  bias?: Storage;
  /** [rows, columns] */
  residual: Storage;
  norm: LinearParameters;
  y: Storage;
}

/** RMSNorm of the rows x[gather], each [width]. */
export interface NormedRows {
  x: Storage;
  gather?: Storage;
  norm: Storage;
  rows: number;
  width: number;
}

/** The gradient of a norm's result, and where those of its argument and its parameters go. */
export interface NormGradient {
  gradient: Storage;
  x: Storage;
  norm: LinearParameters;
  into: LinearDestinations & { x?: Destination };
  rows: number;
  width: number;
}

/** The positional term offsets P^T + b_P; offsets [rows, dimensions]. */
export interface PositionTerm {
  offsets: Storage;
  position: LinearParameters;
  dimensions: number;
}

/** Nodes in an order in which each ball is contiguous, and their offsets from the mean of their ball; both [rows, dimensions]. */
interface NodePlaces {
  positions: Storage;
  offsets: Storage;
}

/** The nodes of one level of a tree, in the tree's own order and in that of the rotated tree. */
export interface LevelPlacement {
  /** [sources, dimensions] */
  source: Storage;
  sources: number;
  /**
   * A node is the row of source at its place in the index, or the mean of `stride` rows, whose offsets from it,
   * [rows * stride, dimensions], are computed, too.
   */
  from: { index: Storage } | { stride: number; offsets: Storage };
  balls: BallList;
  straight: NodePlaces;
  rotated?: NodePlaces & { index: Storage };
  rows: number;
  dimensions: number;
}

/** Attention within each ball. */
export interface AttentionWithinBalls {
  /** [rows, 3 heads * headWidth] */
  qkv: Storage;
  positions: Storage;
  sigma: Storage;
  balls: BallList;
  /** [rows, heads * headWidth] */
  out: Storage;
  /** [rows, heads] log2 of the softmax's denominators, for the backward pass. */
  logSum: Storage;
  rows: number;
  heads: number;
  headWidth: number;
  dimensions: number;
}

/** The gated hidden layer (W2 n) * SiLU(W1 n) of the feed-forward part; W1, the gate's weight, and W2 are [hiddenWidth, width]. */
export interface GatedLayer {
  gate: LinearParameters;
  value: LinearParameters;
  rows: number;
  width: number;
  hiddenWidth: number;
}

/** The feed-forward part of a block: y = x + W3 (W2 n * SiLU(W1 n)), n = RMSNorm(x; norm); W3 is the output's weight. */
export interface FeedForward extends GatedLayer {
  x: Storage;
  norm: Storage;
  output: LinearParameters;
}

/** The output map of attention, added to the rows `scatter` of a feed-forward part's x before it: x[scatter] += attended W^T + b. */
export interface AttentionProjection {
  attended: Storage;
  projection: LinearParameters;
  scatter?: Storage;
}

/** A matrix and the statistics of its columns, both [width]. */
export interface NormedColumns {
  x: Storage;
  mean: Storage;
  variance: Storage;
  rows: number;
  width: number;
}

/** Message passing over a graph, by the arrays that its kernels read. */
export interface MessageShape {
  positions: Storage;
  /** starts [nodes + 1], sources [edges], targets [edges], sorted by target; for gradients also the edges by source. */
  graph: Storage;
  message: LinearParameters;
  norm: LinearParameters;
  nodes: number;
  targets: number;
  edges: number;
  width: number;
  dimensions: number;
}

/** Operators that a device runs by itself. */
export interface DirectOperators {
  /** out[i] = source[index[i]]; source [sources, width], index [rows], out [rows, width]. Elements are any 32-bit values. */
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

  /**
   * y = [x, second] W^T + bias + residual; `fromHidden` says that x is a hidden layer as normSwiglu writes it. With `norm`, which
   * excludes `scatter`, y is normalised as a matrix [rows columns / norm.width, norm.width].
   */
  linear(
    a: LinearMap & { bias?: Storage; residual?: Storage; norm?: ColumnNorm; y: Storage; fromHidden?: boolean },
  ): void;

  /** qkv = (RMSNorm(x[gather]) + offsets P^T + b_P) W^T + b, with q, k, v side by side in each row; qkv [rows, 3 width]. */
  normPositionQkv(a: NormedRows & PositionTerm & { projection: LinearParameters; qkv: Storage }): void;

  /** Computes `out` and `logSum`. */
  ballAttention(a: AttentionWithinBalls): void;

  /** The backward pass of ballAttention; `gradient` is that of `out`, [rows, heads * headWidth]. */
  ballAttentionBackward(
    a: AttentionWithinBalls & { gradient: Storage; into: { qkv: Storage; sigma?: Destination } },
  ): void;

  /** The backward pass of layerNorm without its residual. */
  layerNormBackward(a: NormGradient): void;

  /** Computes the mean and the biased variance of each column, and moves the running ones towards them if they are finite. */
  batchStatistics(a: NormedColumns & { runningMean: Storage; runningVariance: Storage }): void;

  /** y += x. */
  add(a: { x: Storage; y: Storage; size: number }): void;

  /**
   * The backward pass of gatherRows: into[i] = sum of gradient[e] over the rows e that were gathered from row i. starts
   * [sources + 1] and entries [rows] list these rows by source.
   */
  gatherRowsBackward(a: {
    gradient: Storage;
    starts: Storage;
    entries: Storage;
    into: Destination;
    sources: number;
    rows: number;
    width: number;
  }): void;

  /**
   * out[i] (+)= f(x[i], y[i]) for every index i of `shape`, or with `derivative`, where f has one argument,
   * out[i] (+)= y[i] f'(x[i]). The derivatives of the square root and of the absolute value at 0 are 0.
   */
  elementwise(a: {
    function: ElementFunction;
    derivative?: boolean;
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
 * The gradient of a matrix product, from which those of its two factors follow: gradient [rows, columns], the weight's element
 * (c, k) at offset + c * stride + k with k < inner.
 */
export interface ProductGradient {
  gradient: Storage;
  /** Row i of the gradient is row gather[i] of what is stored; only on devices that are `indirect`. */
  gather?: Storage;
  rows: number;
  columns: number;
  inner: number;
  /** Default `inner`. */
  stride?: number;
  /** Default 0. */
  offset?: number;
  /** The width of the packed qkv weight (gpu/packing.wgsl); by default the weight is not packed. */
  packedWidth?: number;
}

/** The parts of the composites. Every gradient is summed in a fixed order: the same bits from run to run. */
export interface CompositeParts {
  /** Whether products read rows through an index (`gather`); if not, composites gather the rows first. */
  readonly indirect: boolean;

  /** Computes placeLevel in one kernel, if the device has one and its arrays fit into bindings; returns whether it has. */
  placeLevelAtOnce(a: LevelPlacement): boolean;

  /**
   * offsets = positions - mean of the ball's positions; both [rows, dimensions]. With `from`, it writes the positions first: the rows
   * source[index], source [sources, dimensions].
   */
  ballOffsets(a: {
    positions: Storage;
    from?: { source: Storage; index: Storage; sources: number };
    balls: BallList;
    offsets: Storage;
    rows: number;
    dimensions: number;
  }): void;

  /** centres [groups, dimensions] = means over `stride` rows; offsets [groups * stride, dimensions] = positions - centre. */
  coarsenPositions(a: {
    positions: Storage;
    centres: Storage;
    offsets: Storage;
    groups: number;
    stride: number;
    dimensions: number;
  }): void;

  /** into [rows, inner] (+)= gradient W. */
  inputGradient(a: ProductGradient & { weight: Storage; into: Destination }): void;

  /** into.weight (+)= gradient^T x, x [rows, inner], and into.bias [columns] (+)= the sums of the gradient's columns. */
  weightGradient(a: ProductGradient & { x: Storage; into: LinearDestinations }): void;

  /** y = RMSNorm(x[gather]; norm) (+ offsets P^T + b_P), scale [rows] = the factor of each row. */
  normPosition(a: NormedRows & Partial<PositionTerm> & { y: Storage; scale: Storage }): void;

  /**
   * The backward pass of y = RMSNorm(x[gather]; norm) + bias, of which dy is y's gradient and `scale` is normPosition's: into.x
   * receives that of x, at the rows `gather` if it is given.
   */
  rmsNormBackward(
    a: NormedRows & { scale: Storage; dy: Storage; into: LinearDestinations & { x?: Destination } },
  ): void;

  /** Computes linearLayerNorm in one kernel, where the device has one for results this narrow; returns whether it has. */
  narrowLinearLayerNorm(a: LinearLayerNorm): boolean;

  /** Whether the device computes a feed-forward part of this size in one kernel, with attention's output before it if there is one. */
  joinsFeedForward(rows: number, width: number, hiddenWidth: number): boolean;

  /** Computes it where joinsFeedForward says so; returns whether it has. x is only read. */
  narrowFeedForward(a: FeedForward & { y: Storage; attention?: AttentionProjection }): boolean;

  /** Bytes of one element of normSwiglu's result. */
  readonly hiddenBytes: number;
  /** The number of rows of the hidden layer that exist at a time, with `arrays` of them side by side in a row. */
  hiddenRows(hiddenWidth: number, arrays: number): number;

  /**
   * Whether the forward pass keeps gate and value of a layer for its backward pass, which otherwise computes them again. If so,
   * all rows of the hidden layer exist at a time.
   */
  keepsGates(rows: number, hiddenWidth: number): boolean;

  /**
   * hidden = (W2 n) * SiLU(W1 n), n = RMSNorm(x; norm); hidden [rows, hiddenWidth] in elements of `hiddenBytes`. `gates`, which
   * only devices that keep them are given, receives W1 n and W2 n, each [rows, hiddenWidth].
   */
  normSwiglu(a: GatedLayer & { x: Storage; norm: Storage; hidden: Storage; gates?: Storage }): void;

  /**
   * The gradients of both factors of hidden = (W2 y) * SiLU(W1 y). `hidden` holds its own gradient before and its value after;
   * `dgates` receives those of gate and value, 2 rows * hiddenWidth elements in a layout of the device's own; with `kept`, it
   * holds normSwiglu's `gates` before.
   */
  swigluBackward(a: GatedLayer & { y: Storage; hidden: Storage; dgates: Storage; kept: boolean }): void;

  /** The inputGradient of gate and value together, from swigluBackward's `dgates`: dy [rows, width]. */
  gatesInputGradient(a: GatedLayer & { dgates: Storage; dy: Storage }): void;

  /** The weightGradient of gate and value, from swigluBackward's `dgates`. */
  gatesWeightGradients(
    a: Omit<GatedLayer, "gate" | "value"> & {
      dgates: Storage;
      y: Storage;
      into: { gate: LinearDestinations; value: LinearDestinations };
    },
  ): void;

  /** The elements of the largest of the arrays that message passing makes for the nodes, in training those for gradients too. */
  messageElements(a: Pick<MessageShape, "nodes" | "width" | "dimensions"> & { training: boolean }): number;

  /**
   * Each node's terms of the messages it sends and receives, in a layout of the device's own, from h [nodes, width]. The caller
   * releases the result.
   */
  messageProducts(a: Pick<MessageShape, "message" | "nodes" | "width" | "dimensions"> & { h: Storage }): Storage;

  /** The mean of the normalised messages arriving at each target, from the nodes' products; out [targets, width]. */
  messageMeans(a: MessageShape & { products: Storage; out: Storage }): void;

  /**
   * The gradient of messageMeans: of each node as the target and as the source of messages, both [nodes, width], which the caller
   * releases, and of the norm's parameters and the weight's columns for positions. gradient is that of the targets,
   * [targets, width]; arrived [targets] is 1 where an edge arrives, else 0.
   */
  messageGradients(
    a: MessageShape & {
      products: Storage;
      gradient: Storage;
      arrived: Storage;
      into: { weight?: Destination; norm: LinearDestinations };
    },
  ): { asTarget: Storage; asSource: Storage };

  /** sums [2, width] = the column sums of dy and of dy times the normalised x, which are the gradients of bias and weight. */
  batchNormSums(a: NormedColumns & { dy: Storage; sums: Storage; into: LinearDestinations }): void;
}

/** Everything that a device must run. */
export interface Primitives
  extends Memory,
    DirectOperators,
    RowOperators,
    CompositeParts,
    OptimizerOperators,
    RooflineOperators {}
