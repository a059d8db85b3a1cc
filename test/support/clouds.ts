// Seeded test data: point clouds of several kinds, batches of them, edges, and the state of a model.

import { type ReferenceState, readConfig, stateShapes } from "./reference.ts";

/** A stream of uniform numbers in [0, 1) (mulberry32): the same in every host. */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box-Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** `length` standard normal numbers in float32. */
export function normals(length: number, random: Random): Float32Array {
  return Float32Array.from({ length }, () => normal(random));
}

/** A permutation of 0 .. n - 1. */
export function permutation(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Returns the rows of `values` in the order of `index`. */
export function takeRows(values: Float32Array, columns: number, index: ArrayLike<number>): Float32Array {
  const out = new Float32Array(index.length * columns);
  for (let i = 0; i < index.length; i++) {
    const row = index[i];
    out.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  }
  return out;
}

/** Positions [n, D] of one cloud. */
export type CloudShape = (n: number, dimensionality: number, random: Random) => Float32Array;

/** Points spread evenly over a cube. */
export const uniformCloud: CloudShape = (n, D, random) => Float32Array.from({ length: n * D }, () => 2 * random() - 1);

/** A few dense clumps far apart. */
export const clusteredCloud: CloudShape = (n, D, random) => {
  const centres = Array.from({ length: 4 * D }, () => 4 * random() - 2);
  const positions = new Float32Array(n * D);
  for (let i = 0; i < n; i++) {
    const cluster = Math.floor(4 * random());
    for (let a = 0; a < D; a++) positions[i * D + a] = centres[cluster * D + a] + 0.05 * normal(random);
  }
  return positions;
};

/** Points on the unit sphere (in two dimensions the unit circle). */
export const sphereCloud: CloudShape = (n, D, random) => {
  const positions = normals(n * D, random);
  for (let i = 0; i < n * D; i += D) {
    const length = Math.hypot(...positions.subarray(i, i + D)) || 1;
    for (let a = 0; a < D; a++) positions[i + a] = positions[i + a] / length;
  }
  return positions;
};

/** The model's input for consecutive clouds, as typed arrays. */
export interface Batch {
  nodeFeatures: Float32Array;
  nodePositions: Float32Array;
  batchIdx: Int32Array;
  /** Sources, then targets. */
  edgeIndex?: Int32Array;
}

export interface CloudOptions {
  cIn: number;
  dimensionality: number;
  /** The mean number of edges into a node; by default the cloud has no edges. */
  degree?: number;
  shape?: CloudShape;
}

/** One cloud of n points with normal features; its edges are random, so some nodes have no incoming one. */
export function randomCloud(
  n: number,
  { cIn, dimensionality, degree, shape = uniformCloud }: CloudOptions,
  random: Random,
): Batch {
  const cloud: Batch = {
    nodeFeatures: normals(n * cIn, random),
    nodePositions: shape(n, dimensionality, random),
    batchIdx: new Int32Array(n),
  };
  if (degree !== undefined) {
    cloud.edgeIndex = Int32Array.from({ length: 2 * Math.round(n * degree) }, () => Math.floor(n * random()));
  }
  return cloud;
}

/** Joins clouds into one batch. It has edges if all clouds have them. */
export function joinClouds(clouds: readonly Batch[]): Batch {
  const total = clouds.reduce((sum, cloud) => sum + cloud.batchIdx.length, 0);
  const batch: Batch = {
    nodeFeatures: joinFloats(clouds.map((cloud) => cloud.nodeFeatures)),
    nodePositions: joinFloats(clouds.map((cloud) => cloud.nodePositions)),
    batchIdx: new Int32Array(total),
  };
  const sources: number[] = [];
  const targets: number[] = [];
  let start = 0;
  clouds.forEach((cloud, index) => {
    batch.batchIdx.fill(index, start, start + cloud.batchIdx.length);
    const edges = cloud.edgeIndex ?? [];
    for (let e = 0; e < edges.length / 2; e++) {
      sources.push(edges[e] + start);
      targets.push(edges[edges.length / 2 + e] + start);
    }
    start += cloud.batchIdx.length;
  });
  if (clouds.every((cloud) => cloud.edgeIndex)) batch.edgeIndex = Int32Array.from([...sources, ...targets]);
  return batch;
}

/** A model's tensors. */
export type RandomState = Map<string, { shape: number[]; data: Float32Array | BigInt64Array }>;

/**
 * Makes random parameters and buffers for a config, named and shaped as in its checkpoints. Unlike in the initialisation, no
 * bias, norm or running statistic is near its neutral value, so that leaving one out changes the result.
 */
export function randomState(config: object, seed: number): RandomState {
  const random = seededRandom(seed);
  const state: RandomState = new Map();
  for (const [name, shape] of stateShapes(config)) {
    if (name.endsWith("num_batches_tracked")) {
      state.set(name, { shape, data: new BigInt64Array(1) });
      continue;
    }
    const length = shape.reduce((product, size) => product * size, 1);
    state.set(name, { shape, data: Float32Array.from({ length }, () => randomValue(name, shape, random)) });
  }
  return state satisfies ReferenceState;
}

function randomValue(name: string, shape: readonly number[], random: Random): number {
  const z = normal(random);
  if (name.endsWith("sigma_att")) return -1 + 0.3 * z;
  if (name.endsWith("running_var")) return 1 + 0.3 * Math.abs(z);
  if (name.endsWith(".weight")) return shape.length === 2 ? z / Math.sqrt(shape[1]) : 1 + 0.2 * z;
  return 0.2 * z;
}

/** The options of `randomCloud` for a config: the widths of its features and positions. */
export function cloudOptions(config: object, degree = 3): CloudOptions {
  const { cIn, dimensionality, mpSteps } = readConfig(config);
  return mpSteps > 0 ? { cIn, dimensionality, degree } : { cIn, dimensionality };
}

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
