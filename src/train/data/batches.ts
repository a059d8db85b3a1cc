// Joins clouds into a batch for a model.

import { shapeOfLevels, treeLevels } from "../../balltree/index.ts";
import { InputError } from "../../errors.ts";
import type { SortedEdges } from "../../erwin/graph.ts";
import type { PreparedInput } from "../../erwin/input.ts";

type Numbers = Float32Array | Int32Array | Uint32Array | Uint8Array;

function join<T extends Numbers>(ArrayType: new (length: number) => T, parts: readonly T[]): T {
  const joined = new ArrayType(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Concatenates the clouds' rows. */
export function joinRows(parts: readonly Float32Array[]): Float32Array {
  return join(Float32Array, parts);
}

/** The clouds' numbers one after the other. */
export function joinIntegers(parts: readonly Int32Array[]): Int32Array {
  return join(Int32Array, parts);
}

/**
 * Joins the clouds' edges into those of one batch: the sources of all clouds, followed by their targets.
 * @param parts the [2 M] of each cloud: sources, then targets, as indices of the cloud's points
 * @param offsets [clouds + 1] the first point of each cloud
 */
export function joinEdgeLists(parts: readonly Int32Array[], offsets: Int32Array): Int32Array {
  const joined = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let [source, target] = [0, joined.length / 2];
  parts.forEach((edges, cloud) => {
    const count = edges.length / 2;
    for (let e = 0; e < count; e++) {
      joined[source++] = edges[e] + offsets[cloud];
      joined[target++] = edges[count + e] + offsets[cloud];
    }
  });
  return joined;
}

/** Returns the first point of each cloud, followed by the number of points. */
export function offsetsOf(points: readonly number[]): Int32Array {
  const offsets = new Int32Array(points.length + 1);
  points.forEach((count, cloud) => {
    offsets[cloud + 1] = offsets[cloud] + count;
  });
  return offsets;
}

/**
 * Joins inputs that one model has prepared separately into one batch. The result is the same as if their clouds had been prepared
 * together, except that each input is checked separately and may or may not bring its own tree and graph.
 * @throws InputError if features are on the device, because they are joined on the host
 */
export function joinPrepared(inputs: readonly PreparedInput[]): PreparedInput {
  if (inputs.length === 1) return inputs[0];
  const all = <T>(part: (input: PreparedInput) => T) => inputs.map(part);
  const points = offsetsOf(all((input) => input.points));
  const edges = all((input) => input.edges ?? []).flat();
  return {
    nodeFeatures: joinRows(all(hostFeatures)),
    nodePositions: joinRows(all((input) => input.nodePositions)),
    tree: joinTrees(
      all((input) => input.tree),
      points,
    ),
    edges: edges.length > 0 ? joinEdges(edges, points) : undefined,
    points: points.at(-1)!,
  };
}

function hostFeatures({ nodeFeatures }: PreparedInput): Float32Array {
  if (nodeFeatures instanceof Float32Array) return nodeFeatures;
  throw new InputError("nodeFeatures is a tensor on the device, expected a Float32Array", { tensor: "nodeFeatures" });
}

type Tree = PreparedInput["tree"];

/** @param points [inputs + 1] the first point of each input */
function joinTrees(trees: readonly Tree[], points: Int32Array): Tree {
  const all = <T>(part: (tree: Tree) => T) => trees.map(part);
  const { dimensionality, treeIdxRot, levels: shape } = trees[0];
  const cloudOffsets = offsetsOf(all((tree) => countsOf(tree.cloudOffsets)).flat());
  const { strides, ballSizes } = shapeOfLevels(shape);
  const levels = treeLevels(cloudOffsets, strides, ballSizes);
  const firstNodes = shape.map((_, l) => offsetsOf(all((tree) => tree.levels[l].nodes)));
  const treeIdx = all((tree) => tree.treeIdx);
  const treeMask = all((tree) => tree.treeMask);
  return {
    dimensionality,
    treeIdx: joinIndices(Int32Array, treeIdx, points),
    treeMask: join(Uint8Array, treeMask),
    treeIdxRot: treeIdxRot.map((_, l) => {
      const orders = all((tree) => tree.treeIdxRot[l]);
      return joinIndices(Int32Array, orders, firstNodes[l]);
    }),
    offsets: levels[0].offsets,
    cloudOffsets,
    levels,
  };
}

/** The inverse of `offsetsOf`. */
function countsOf(offsets: Int32Array): number[] {
  return Array.from(offsets.subarray(1), (end, i) => end - offsets[i]);
}

/** @param points [inputs + 1] the first point of each input */
function joinEdges(parts: readonly SortedEdges[], points: Int32Array): SortedEdges {
  const sources = parts.map((part) => part.sources);
  const targets = parts.map((part) => part.targets);
  // The edges of each part start where those of the previous one end; the last start is the end of all edges.
  const starts = [...parts.map((part) => part.starts.subarray(0, -1)), Uint32Array.of(0)];
  const firstEdges = offsetsOf(sources.map(({ length }) => length));
  return {
    starts: joinIndices(Uint32Array, starts, firstEdges),
    sources: joinIndices(Uint32Array, sources, points),
    targets: joinIndices(Uint32Array, targets, points),
  };
}

/** Concatenates indices, after adding to those of each part the index of its first item. */
function joinIndices<T extends Int32Array | Uint32Array>(
  ArrayType: new (length: number) => T,
  parts: readonly T[],
  firsts: Int32Array,
): T {
  return join(
    ArrayType,
    parts.map((part, i) => part.map((index) => index + firsts[i]) as T),
  );
}
