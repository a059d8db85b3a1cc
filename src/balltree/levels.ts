// The shape of a ball tree: how many slots a cloud takes, how many nodes each level has, where each cloud begins. It is
// defined only here, for the tree builder and the model alike.
import { ConfigError } from "../errors.ts";

/** One level of the hierarchy of a whole batch. Each node of a level represents `stride` nodes of the level before. */
export interface TreeLevel {
  /** The number of nodes in one attention ball. A cloud with fewer nodes at this level is a single ball. */
  ballSize: number;
  /** The number of nodes of this level merged into one of the next; 1 at the last level. */
  stride: number;
  /** The number of nodes of all clouds together. */
  nodes: number;
  /** [B+1] The first node of each cloud, then `nodes`. */
  offsets: Int32Array;
}

/**
 * The number of slots in the ball tree of one cloud: `2^(L+1)` with `L = max(0, ceil(log2 points) - 1)`, so 2 for one
 * point and otherwise the next power of two. (Specification, section 2.)
 */
export function treeSlots(points: number): number {
  let slots = 2;
  while (slots < points) slots *= 2;
  return slots;
}

/** Throws a ConfigError naming `field` unless all values are powers of two, including 1. */
function checkPowersOfTwo(values: readonly number[], field: string): void {
  const index = values.findIndex((value) => !isPowerOfTwo(value));
  if (index < 0) return;
  throw new ConfigError(`${field}[${index}] is ${values[index]}, expected a power of two (1, 2, 4, ...).`, {
    field,
    index,
  });
}

/** Whether a value may be a stride or a ball size. */
export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 2 ** 30 && (value & (value - 1)) === 0;
}

/** The strides and ball sizes from which `treeLevels` makes such levels. */
export const shapeOfLevels = (levels: readonly TreeLevel[]): { strides: number[]; ballSizes: number[] } => ({
  strides: levels.slice(0, -1).map(({ stride }) => stride),
  ballSizes: levels.map(({ ballSize }) => ballSize),
});

/**
 * Returns the levels of a batch: level 0 holds every tree slot, level l+1 one node for each `strides[l]` nodes of level
 * l. A cloud with fewer nodes than the stride becomes one node. (Specification, sections 2 and 3, "Small clouds".)
 *
 * @param cloudOffsets [B+1] first point of each cloud, as `cloudOffsets()` returns it
 * @param strides nodes merged into one between consecutive levels, powers of two
 * @param ballSizes one for each level (`strides.length + 1`), powers of two
 * @throws ConfigError if a stride or ball size is not a power of two, or their counts do not match
 */
export function treeLevels(
  cloudOffsets: Int32Array,
  strides: readonly number[],
  ballSizes: readonly number[],
): TreeLevel[] {
  if (ballSizes.length !== strides.length + 1) {
    throw new ConfigError(
      `ballSizes has ${ballSizes.length} entries and strides ${strides.length}, expected one ball size more than strides.`,
      { field: "ballSizes" },
    );
  }
  checkPowersOfTwo(strides, "strides");
  checkPowersOfTwo(ballSizes, "ballSizes");

  const clouds = cloudOffsets.length - 1;
  const nodesOfCloud = Array.from({ length: clouds }, (_, cloud) =>
    treeSlots(cloudOffsets[cloud + 1] - cloudOffsets[cloud]),
  );
  return ballSizes.map((ballSize, level) => {
    if (level > 0) {
      const merged = strides[level - 1];
      for (let cloud = 0; cloud < clouds; cloud++) nodesOfCloud[cloud] = Math.ceil(nodesOfCloud[cloud] / merged);
    }
    const offsets = new Int32Array(clouds + 1);
    for (let cloud = 0; cloud < clouds; cloud++) offsets[cloud + 1] = offsets[cloud] + nodesOfCloud[cloud];
    return { ballSize, stride: strides[level] ?? 1, nodes: offsets[clouds], offsets };
  });
}
