// Builds radius graphs and nearest-neighbour graphs.
import type { Numbers } from "../arguments/numbers.ts";
import { checkOptions, expectOption, expectWhole } from "../arguments/options.ts";
import { checkPoints, compute, type PointsOptions, pointsOptions } from "./points.ts";

/** The neighbours that a point keeps in the graph of a radius, unless an option says otherwise. */
export const MAX_NEIGHBORS = 32;

export interface RadiusGraphOptions extends PointsOptions {
  /** Points nearer than this are neighbours; a distance equal to the radius is excluded. */
  radius: number;
  /** Whether a point is its own neighbour; default true. */
  loop?: boolean | undefined;
  /** A target with more neighbours than this keeps the nearest, ties by index; default 32, Infinity for all. */
  maxNeighbors?: number | undefined;
}

export interface KnnGraphOptions extends PointsOptions {
  /** The number of neighbours of each point; fewer in a cloud that is smaller. */
  k: number;
  /** Whether a point is its own neighbour; default false. */
  loop?: boolean | undefined;
}

/**
 * Returns the edges between points of the same cloud that are nearer than a radius.
 *
 * Squared distances are compared in float64, from float32 coordinates, summed axis by axis: a brute-force search over
 * all pairs with that arithmetic gives the same edges. Memory is linear in points and edges.
 *
 * @param positions [points, dimensionality], row by row; fast for up to 3 dimensions; with more, all pairs are compared
 * @returns edgeIndex [2, edges]: all sources, then all targets; sorted by target, then distance, then source
 * @throws InputError with `details.row` if a coordinate is not finite or the division into clouds is wrong
 * @throws ConfigError with `details.field` if an option is wrong
 * @throws the reason of `signal`, once it is aborted
 * @throws OutOfMemoryError if the graph does not fit WebAssembly memory
 */
export async function radiusGraph(positions: Numbers, options: RadiusGraphOptions): Promise<Int32Array<ArrayBuffer>> {
  checkOptions("radiusGraph", options, { ...pointsOptions, radius: true, loop: "boolean", maxNeighbors: true });
  const { radius, loop = true, maxNeighbors = MAX_NEIGHBORS } = options;
  expectOption("radius", radius, "a finite number of at least 0", Number.isFinite(radius) && radius >= 0);
  if (maxNeighbors !== Number.POSITIVE_INFINITY) expectWhole("maxNeighbors", maxNeighbors, 0);
  return buildGraph(positions, options, { radius, loop, maxNeighbors });
}

/**
 * Returns the edges from the k nearest points of the same cloud to each point, ties by index. Distances, order, memory
 * and errors are those of `radiusGraph`.
 *
 * @param positions [points, dimensionality], row by row; fast for up to 3 dimensions; with more, all pairs are compared
 * @returns edgeIndex [2, edges]: all sources, then all targets; sorted by target, then distance, then source
 */
export async function knnGraph(positions: Numbers, options: KnnGraphOptions): Promise<Int32Array<ArrayBuffer>> {
  checkOptions("knnGraph", options, { ...pointsOptions, k: true, loop: "boolean" });
  const { k, loop = false } = options;
  expectWhole("k", k, 0);
  return buildGraph(positions, options, { radius: Number.POSITIVE_INFINITY, loop, maxNeighbors: k });
}

async function buildGraph(
  given: Numbers,
  options: PointsOptions,
  search: { radius: number; loop: boolean; maxNeighbors: number },
): Promise<Int32Array<ArrayBuffer>> {
  const { positions, cloudOffsets: offsets } = checkPoints(given, options);
  const { dimensionality } = options;
  const { edgeIndex } = await compute({ kind: "graph", positions, dimensionality, offsets, ...search }, options);
  return edgeIndex;
}
