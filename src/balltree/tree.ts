// Builds ball trees and their rotated partitions.
import { toList } from "../arguments/indices.ts";
import type { Numbers } from "../arguments/numbers.ts";
import { checkOptions } from "../arguments/options.ts";
import { ConfigError } from "../errors.ts";
import { maxLevels } from "./job.ts";
import { type TreeLevel, treeLevels } from "./levels.ts";
import { checkPoints, compute, type PointsOptions, pointsOptions } from "./points.ts";

/** The ball trees of a batch of point clouds. */
export interface BallTree {
  dimensionality: number;
  /**
   * [slots] The point in each tree slot, as an index into the whole batch; a ball of s slots is [k s, (k+1) s) of its
   * cloud.
   */
  treeIdx: Int32Array;
  /** [slots] 1 for a point's own slot, 0 for a duplicate. */
  treeMask: Uint8Array;
  /**
   * [nodes] for each level: the order of its nodes in which the balls of the rotated tree are contiguous; [] without
   * rotation.
   */
  treeIdxRot: Int32Array[];
  /** [B+1] The first slot of each cloud. */
  offsets: Int32Array;
  /** [B+1] The first point of each cloud. */
  cloudOffsets: Int32Array;
  /** The levels, finest first. */
  levels: TreeLevel[];
}

/** The shape of a tree: its levels and balls, and the rotation of its second partition. */
export interface BallTreeOptions extends PointsOptions {
  /** The numbers of nodes merged into one between the levels, powers of two; default [], one level. */
  strides?: readonly number[] | undefined;
  /**
   * The number of nodes in a ball of each level (one more than strides), powers of two; required if rotate > 0, else
   * default 1.
   */
  ballSizes?: readonly number[] | undefined;
  /** The angle of the rotated partitions in degrees; 0, the default, for none. 2 or 3 dimensions only. */
  rotate?: number | undefined;
}

/**
 * Builds the ball tree of every cloud of a batch and, with `rotate`, its rotated partitions, as in Erwin (arXiv
 * 2502.17019). The result depends on the input alone, not on the host or the number of threads.
 *
 * @param given the positions, [points, dimensionality], row by row
 * @throws InputError with `details.row` if a coordinate is not finite or the division into clouds is wrong
 * @throws ConfigError with `details.field` if an option is wrong
 * @throws the reason of `signal`, once it is aborted
 * @throws OutOfMemoryError if the batch does not fit WebAssembly memory
 */
export async function buildBallTree(given: Numbers, options: BallTreeOptions): Promise<BallTree> {
  checkOptions("buildBallTree", options, { ...pointsOptions, strides: true, ballSizes: true, rotate: true });
  const { positions, cloudOffsets } = checkPoints(given, options);
  const { dimensionality, rotate = 0 } = options;
  const strides = toList("strides", options.strides) ?? [];
  if (!Number.isFinite(rotate) || rotate < 0) {
    throw new ConfigError(`rotate is ${rotate}, expected degrees of at least 0.`, { field: "rotate" });
  }
  if (rotate > 0 && dimensionality !== 2 && dimensionality !== 3) {
    throw new ConfigError(`rotate is ${rotate} in ${dimensionality} dimensions, expected 2 or 3: set rotate to 0.`, {
      field: "rotate",
    });
  }
  if (rotate > 0 && !options.ballSizes) {
    throw new ConfigError("ballSizes is missing, needed where rotate > 0: give one for each level.", {
      field: "ballSizes",
    });
  }
  if (strides.length >= maxLevels) {
    throw new ConfigError(`strides has ${strides.length} entries, expected fewer than ${maxLevels}.`, {
      field: "strides",
    });
  }
  const ballSizes = toList("ballSizes", options.ballSizes) ?? [1, ...strides.map(() => 1)];
  const levels = treeLevels(cloudOffsets, strides, ballSizes);

  const { treeIdx, treeMask, treeIdxRot } = await compute(
    { kind: "tree", positions, dimensionality, offsets: cloudOffsets, strides, ballSizes, rotate },
    options,
  );
  return { dimensionality, treeIdx, treeMask, treeIdxRot, offsets: levels[0].offsets, cloudOffsets, levels };
}
