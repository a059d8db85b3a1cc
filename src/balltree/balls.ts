// Which nodes and points the balls of a tree's levels hold: the one place that says so, for the model and for pictures alike.
import type { TreeLevel } from "./levels.ts";
import { cloudOfEach } from "./offsets.ts";
import type { BallTree } from "./tree.ts";

/**
 * Returns the balls of a level, of `ballSize` nodes, or of all nodes of a cloud that has fewer. The ordinary and the rotated order
 * share them.
 * @returns [balls, 2] the first place of each ball in the order, and its number of nodes
 */
export function ballsOf({ ballSize, offsets }: TreeLevel): Uint32Array<ArrayBuffer> {
  const clouds = offsets.length - 1;
  const sizes = Array.from({ length: clouds }, (_, cloud) => Math.min(ballSize, offsets[cloud + 1] - offsets[cloud]));
  const count = sizes.reduce((sum, size, cloud) => sum + (offsets[cloud + 1] - offsets[cloud]) / size, 0);
  const balls = new Uint32Array(2 * count);
  let ball = 0;
  sizes.forEach((size, cloud) => {
    for (let first = offsets[cloud]; first < offsets[cloud + 1]; first += size) {
      balls[2 * ball] = first;
      balls[2 * ball + 1] = size;
      ball++;
    }
  });
  return balls;
}

/**
 * Returns the node of a level that each slot of the tree has been merged into.
 * @returns [slots]
 */
export function nodeOfEachSlot({ levels, offsets }: BallTree, level: number): Int32Array<ArrayBuffer> {
  const merged = levels.slice(0, level).reduce((product, { stride }) => product * stride, 1);
  const first = levels[level].offsets;
  return cloudOfEach(offsets).map((cloud, slot) => first[cloud] + Math.floor((slot - offsets[cloud]) / merged));
}

/**
 * Returns the ball of each node of a level.
 * @param rotated whether balls are those of the rotated partition
 * @returns [nodes]
 */
export function ballOfEachNode(tree: BallTree, level: number, rotated = false): Int32Array<ArrayBuffer> {
  const order = rotated ? tree.treeIdxRot[level] : undefined;
  const balls = ballsOf(tree.levels[level]);
  const ballOf = new Int32Array(tree.levels[level].nodes);
  for (let ball = 0; ball < balls.length / 2; ball++) {
    const [first, size] = [balls[2 * ball], balls[2 * ball + 1]];
    for (let place = first; place < first + size; place++) ballOf[order ? order[place] : place] = ball;
  }
  return ballOf;
}

/**
 * Returns the ball that each point attends in at a level. That of a point whose leaf holds it twice is that of its own slot.
 * @param rotated whether balls are those of the rotated partition
 * @returns [points]
 */
export function ballOfEachPoint(tree: BallTree, level: number, rotated = false): Int32Array<ArrayBuffer> {
  const [ballOfNode, nodeOf] = [ballOfEachNode(tree, level, rotated), nodeOfEachSlot(tree, level)];
  const { treeIdx, treeMask, cloudOffsets } = tree;
  const ballOf = new Int32Array(cloudOffsets[cloudOffsets.length - 1]);
  treeIdx.forEach((point, slot) => {
    if (treeMask[slot]) ballOf[point] = ballOfNode[nodeOf[slot]];
  });
  return ballOf;
}

/**
 * Returns the slot that holds each point itself, not its duplicate.
 * @returns [points]
 */
export function slotOfEachPoint({ treeIdx, treeMask, cloudOffsets }: BallTree): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(cloudOffsets[cloudOffsets.length - 1]);
  for (let slot = 0; slot < treeIdx.length; slot++) if (treeMask[slot]) slots[treeIdx[slot]] = slot;
  return slots;
}
