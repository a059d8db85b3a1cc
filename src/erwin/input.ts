// Checks a forward pass's input and builds the parts that it omits: the tree and the graph.

import type { AbortOptions } from "../abort.ts";
import { type EdgeIndices, type Indices, toEdges } from "../arguments/indices.ts";
import { describe } from "../arguments/kinds.ts";
import { checkFinite, type Numbers, toRows } from "../arguments/numbers.ts";
import { checkNames } from "../arguments/options.ts";
import { MAX_NEIGHBORS } from "../balltree/graph.ts";
import { type BallTree, buildBallTree, cloudOffsets, radiusGraph } from "../balltree/index.ts";
import { InputError } from "../errors.ts";
import { expectNumbers } from "../tensor/shapes.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { ErwinConfig } from "./config.ts";
import type { TreeTables } from "./geometry.ts";
import { type GivenTree, givenTree } from "./given-tree.ts";
import { type SortedEdges, sortEdges } from "./graph.ts";

/** What a model is applied to: a batch of point clouds. */
export interface ErwinInput {
  /** [N, cIn] */
  nodeFeatures: Numbers | Tensor;
  /** [N, D] */
  nodePositions: Numbers | Tensor;
  /** [N] The cloud of each point, sorted from 0 without gaps. Default: all points are one cloud. */
  batchIdx?: Indices | Tensor;
  /** [B + 1] The first point of each cloud, instead of `batchIdx`. */
  offsets?: Indices | Tensor;
  /** [2 M] Sources, then targets, or a list of the two. Required if mpSteps > 0, unless `radius` is given. */
  edgeIndex?: EdgeIndices | Tensor;
  /**
   * Builds the graph: edges to each point from itself and from the points nearer than this, at most `maxNeighbors` of
   * them.
   */
  radius?: number;
  /**
   * With `radius`: a point with more neighbours, including itself, keeps the nearest. Default 32; Infinity for all
   * pairs.
   */
  maxNeighbors?: number;
  tree?: GivenTree;
}

/** The largest coordinate: float32 can represent the squares of distances between such points, in any number of dimensions of a model. */
const MAX_COORDINATE = 2 ** 60;

/** The geometry of an input without tensors, which have been read from the device. */
export type GeometryInArrays = Omit<ErwinInput, "nodeFeatures"> & {
  nodePositions: Numbers;
  batchIdx?: Indices;
  offsets?: Indices;
  edgeIndex?: EdgeIndices;
};

const geometryNames = ["nodePositions", "batchIdx", "offsets", "edgeIndex"] as const;

const inputNames: Readonly<Record<keyof ErwinInput, true>> = {
  nodeFeatures: true,
  nodePositions: true,
  batchIdx: true,
  offsets: true,
  edgeIndex: true,
  radius: true,
  maxNeighbors: true,
  tree: true,
};

/**
 * A checked input with its tree and graph, all on the host: it can be prepared while the device works on something
 * else.
 */
export interface PreparedInput {
  nodeFeatures: Float32Array | Tensor;
  nodePositions: Float32Array;
  tree: BallTree;
  edges: SortedEdges | undefined;
  points: number;
  /** The tree's tables for an upload; computed when they are first needed. @internal */
  tables?: TreeTables;
}

/**
 * Tells by several fields: what is not prepared may have fields of its user's own, such as `points`.
 * @throws InputError for anything but an object with fields, such as an array of features alone.
 */
export function isPrepared(input: object): input is PreparedInput {
  const isArray = Array.isArray(input) || ArrayBuffer.isView(input);
  if (typeof input === "object" && input !== null && !isArray) {
    return ["tree", "edges", "points"].every((field) => field in input);
  }
  throw new InputError(`a model takes an object with nodeFeatures and nodePositions, not ${describe(input)}`, {
    found: typeof input,
  });
}

/** What of an input does not depend on its features. */
export type PreparedGeometry = Omit<PreparedInput, "nodeFeatures">;

/** How to prepare an input. */
export interface PrepareOptions extends AbortOptions {
  /**
   * Whether features and positions are copied at once, so that the caller may write the next points into its arrays. Default false:
   * the result refers to them, and they must stay as they are.
   */
  copy?: boolean;
}

/** How to build trees and graphs. */
export interface HostOptions extends PrepareOptions {
  threads: number | undefined;
}

/**
 * @throws InputError naming the tensor and the first offending row; the signal's reason
 */
export async function prepareInput(
  config: ErwinConfig,
  input: ErwinInput,
  options: HostOptions,
): Promise<PreparedInput> {
  isPrepared(input);
  checkNames<Partial<ErwinInput>>(input, inputNames);
  const { nodeFeatures: features } = input;
  const nodeFeatures =
    features instanceof Tensor ? features : ownRows("nodeFeatures", features, config.cIn, options.copy);
  const geometry = await prepareGeometry(config, input, options, (points) => {
    checkFeatures(nodeFeatures, points, config.cIn);
    if (!(nodeFeatures instanceof Tensor)) checkFinite("nodeFeatures", nodeFeatures, config.cIn);
  });
  return { nodeFeatures, ...geometry };
}

/** Copies an array, and those in a list. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  return ArrayBuffer.isView(value) ? (value as Float32Array).slice() : value;
}

/** With `copy`, rows in memory of their own: numbers of another type are converted into some anyway. */
function ownRows(name: string, given: Numbers, width: number, copy?: boolean): Float32Array {
  const rows = toRows(name, given, width);
  return copy && ArrayBuffer.isView(given) && given.buffer === rows.buffer ? rows.slice() : rows;
}

/**
 * Of an input whose features come later.
 * @param checkCount is told the number of points before the tree is built
 * @throws InputError naming the tensor and the first offending row; the signal's reason
 */
export async function prepareGeometry(
  config: ErwinConfig,
  given: Omit<ErwinInput, "nodeFeatures">,
  { copy, ...host }: HostOptions,
  checkCount: (points: number) => void = () => {},
): Promise<PreparedGeometry> {
  const { dimensionality, mpSteps } = config;
  isPrepared(given);
  checkNames<Partial<ErwinInput>>(given, inputNames);
  const input = { ...given } as GeometryInArrays;
  const tensors = geometryNames.filter((name) => given[name] instanceof Tensor);
  // While they are read, the caller may write into its arrays.
  if (copy && tensors.length > 0) for (const name of geometryNames) input[name] = copyOf(given[name]) as never;
  for (const name of tensors) input[name] = await (given[name] as Tensor).data({ signal: host.signal });
  const nodePositions = ownRows("nodePositions", input.nodePositions, dimensionality, copy);
  const points = nodePositions.length / dimensionality;
  const offsets = cloudOffsets(points, { batchIdx: input.batchIdx, offsets: input.offsets }).slice();
  checkCount(points);
  checkFinite("nodePositions", nodePositions, dimensionality, MAX_COORDINATE);

  const division = { dimensionality, offsets, ...host };
  const [tree, edges] = await Promise.all([
    input.tree
      ? givenTree(config, input.tree, offsets)
      : buildBallTree(nodePositions, {
          ...division,
          strides: config.strides,
          ballSizes: config.ballSizes,
          rotate: config.rotate,
        }),
    mpSteps === 0 ? undefined : edgesOf(config, nodePositions, input, division),
  ]);
  return { nodePositions, tree, edges, points };
}

async function edgesOf(
  config: ErwinConfig,
  positions: Float32Array,
  { edgeIndex, radius, maxNeighbors = MAX_NEIGHBORS }: GeometryInArrays,
  division: HostOptions & { dimensionality: number; offsets: Int32Array },
): Promise<SortedEdges> {
  const points = positions.length / division.dimensionality;
  if (edgeIndex != null) return sortEdges(toEdges("edgeIndex", edgeIndex), points);
  if (radius === undefined) {
    throw new InputError(
      "the model passes messages (mpSteps > 0), so it needs a graph: give edgeIndex, or a radius to build it with",
      { tensor: "edgeIndex" },
    );
  }
  const edges = await radiusGraph(positions, { ...division, radius, maxNeighbors });
  warnIfCut(config, edges, positions, { radius, most: maxNeighbors, offsets: division.offsets });
  return sortEdges(edges, points);
}

/** The configs of models for which the warning has been given, and the radii: a program may make many models, or vary the radius. */
const warned = { configs: new WeakSet<ErwinConfig>(), radii: new Set<number>() };

/**
 * Warns if a graph omits neighbours, once for a model and once for a radius. It checks the first point that has the maximum number of
 * neighbours; the edges are sorted by target.
 */
function warnIfCut(
  config: ErwinConfig,
  edges: Int32Array,
  positions: Float32Array,
  { radius, most, offsets }: { radius: number; most: number; offsets: Int32Array },
): void {
  if (warned.configs.has(config) || warned.radii.has(radius) || most === 0) return;
  const { length } = edges;
  let at = length / 2;
  while (at + most <= length && edges[at] !== edges[at + most - 1]) at++;
  if (at + most > length) return;
  const point = edges[at];
  const neighbours = countWithin(point, radius, positions, config.dimensionality, offsets);
  if (neighbours <= most) return;
  warned.configs.add(config);
  warned.radii.add(radius);
  console.warn(
    `erwin: point ${point} has ${neighbours} neighbours within the radius ${radius}, of which its graph keeps the ${most} nearest. ` +
      "Give maxNeighbors (Infinity for all of them) or a smaller radius. This warning appears once for a model or radius.",
  );
}

/** Counts the points of the same cloud that are nearer to a point than the radius, including itself. */
function countWithin(
  point: number,
  radius: number,
  positions: Float32Array,
  width: number,
  offsets: Int32Array,
): number {
  const cloud = offsets.findIndex((first) => first > point) - 1;
  let count = 0;
  for (let other = offsets[cloud]; other < offsets[cloud + 1]; other++) {
    let squared = 0;
    for (let d = 0; d < width; d++) squared += (positions[other * width + d] - positions[point * width + d]) ** 2;
    if (squared < radius * radius) count++;
  }
  return count;
}

/** Checks that each point has its features; finite they may not be. */
export function checkFeatures(features: Float32Array | Tensor, points: number, cIn: number): void {
  if (features instanceof Tensor) expectNumbers("nodeFeatures", features);
  const size = features instanceof Tensor ? features.size : features.length;
  const width = features instanceof Tensor ? features.shape.at(-1) : size / points;
  if (size !== points * cIn || width !== cIn) {
    throw new InputError(
      `nodeFeatures holds ${size} numbers for ${points} points, which is ${width} a point; the model's cIn is ${cIn}`,
      { tensor: "nodeFeatures", expected: points * cIn, found: size },
    );
  }
}
