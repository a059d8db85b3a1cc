// Prepares a tree's partitions for drawing: the cuts from the root down, the spheres around balls, the positions of merged nodes.

import { ballOfEachPoint, nodeOfEachSlot, slotOfEachPoint } from "../../balltree/balls.ts";
import type { BallTree, TreeLevel } from "../../balltree/index.ts";
import { cloudOfEach } from "../../balltree/offsets.ts";
import { ballCentres } from "../../drawing/colours.ts";

/** The number of times that the largest cloud is halved until its parts are balls of level 0. */
export function splitsOf({ levels: [{ ballSize, offsets }] }: BallTree): number {
  let largest = 1;
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    largest = Math.max(largest, offsets[cloud + 1] - offsets[cloud]);
  }
  return Math.max(0, Math.round(Math.log2(largest / ballSize)));
}

/**
 * Returns the part of each point after a number of halvings of the largest cloud; smaller clouds stay whole until the parts of the
 * largest are as small.
 * @returns [points]
 */
export function partOfEachPoint(tree: BallTree, halvings: number, rotated = false): Int32Array<ArrayBuffer> {
  const [level] = tree.levels;
  const ballSize = level.ballSize * 2 ** (splitsOf(tree) - halvings);
  return ballOfEachPoint({ ...tree, levels: [{ ...level, ballSize }] }, 0, rotated);
}

/**
 * Returns a sphere around each ball, as in ball trees: its centre is the mean of the points, its radius reaches the farthest.
 * @param positions [points, 3]
 * @returns [balls, 4] centre and radius
 */
export function boundingSpheres(ballOf: Int32Array, positions: Float32Array): Float32Array<ArrayBuffer> {
  const centres = ballCentres(ballOf, positions);
  const spheres = new Float32Array((centres.length / 3) * 4);
  for (let ball = 0; ball < centres.length / 3; ball++) {
    for (let d = 0; d < 3; d++) spheres[4 * ball + d] = centres[3 * ball + d];
  }
  for (let i = 0; i < ballOf.length; i++) {
    const ball = ballOf[i];
    let squared = 0;
    for (let d = 0; d < 3; d++) squared += (positions[3 * i + d] - centres[3 * ball + d]) ** 2;
    spheres[4 * ball + 3] = Math.max(spheres[4 * ball + 3], Math.sqrt(squared));
  }
  return spheres;
}

/**
 * Returns, for each point, the position of the node of a level into which it has been merged: the mean of the node's children, and
 * so on. In a group that its cloud does not fill, the last child counts several times, as in the model.
 * @param positions [points, dimensionality]
 * @returns [points, dimensionality]
 */
export function mergedPositions(tree: BallTree, positions: Float32Array, level: number): Float32Array<ArrayBuffer> {
  const { dimensionality: width, levels, treeIdx } = tree;
  let nodes = new Float32Array(treeIdx.length * width);
  treeIdx.forEach((point, slot) => {
    for (let d = 0; d < width; d++) nodes[slot * width + d] = positions[point * width + d];
  });
  for (let l = 0; l < level; l++) nodes = meansOfChildren(nodes, width, levels[l], levels[l + 1]);
  const [slotOf, nodeOf] = [slotOfEachPoint(tree), nodeOfEachSlot(tree, level)];
  const merged = new Float32Array(positions.length);
  slotOf.forEach((slot, point) => {
    for (let d = 0; d < width; d++) merged[point * width + d] = nodes[nodeOf[slot] * width + d];
  });
  return merged;
}

/** @param children [fine.nodes, width] @returns [coarse.nodes, width] */
function meansOfChildren(children: Float32Array, width: number, fine: TreeLevel, coarse: TreeLevel) {
  const means = new Float32Array(coarse.nodes * width);
  cloudOfEach(coarse.offsets).forEach((cloud, node) => {
    const first = fine.offsets[cloud] + (node - coarse.offsets[cloud]) * fine.stride;
    const last = fine.offsets[cloud + 1] - 1;
    for (let d = 0; d < width; d++) {
      let sum = 0;
      for (let child = first; child < first + fine.stride; child++) sum += children[Math.min(child, last) * width + d];
      means[node * width + d] = sum / fine.stride;
    }
  });
  return means;
}

/** Returns the pairs of points that are connected, each once whatever the directions of its edges, as `first * points + second`. */
export function connectedPairs(edgeIndex: Int32Array, points: number): Float64Array {
  const edges = edgeIndex.length / 2;
  const pairs = new Float64Array(edges);
  let count = 0;
  for (let edge = 0; edge < edges; edge++) {
    const [source, target] = [edgeIndex[edge], edgeIndex[edges + edge]];
    if (source !== target) pairs[count++] = Math.min(source, target) * points + Math.max(source, target);
  }
  const sorted = pairs.subarray(0, count).sort();
  return sorted.filter((pair, i) => i === 0 || pair !== sorted[i - 1]);
}
