// The frames of an animation: the bunny turns while the balls of its tree merge level by level and divide again.

import bunny from "bunny";
import { buildBallTree } from "erwin";
import { ballOfEachNode } from "../balltree/balls.ts";
import { chooseColours, palette } from "./colours.ts";
import { sampleSurface } from "./surface.ts";

const POINTS = 4096;
/** The number of nodes that merge into one. */
const STRIDE = 4;
/** The factor by which a sphere's radius grows from one level to the next. */
const GROWTH = 1.8;
/** The number of levels; the last one has 16 nodes. */
const LEVELS = 5;
/** The number of nodes in a ball, at every level; each ball has its own colour. */
const BALL_SIZE = 16;
/** Shares of the animation's time, in order: the points rest, merge, rest as 16 nodes, and divide again. */
const REST = 0.14;
const MERGING = 0.46;
const MERGED = 0.08;

/** Spheres, one per row: x, y, z, radius, red, green, blue (0 to 1). */
export type Spheres = number[][];

/** Returns the frames of a film that ends as it begins; each contains the spheres, and the angle `turn` in radians about the vertical. */
export async function bunnyFilm(frames: number): Promise<{ turn: number; spheres: Spheres }[]> {
  const levels = await makeLevels();
  return Array.from({ length: frames }, (_, frame) => {
    const share = frame / frames;
    return { turn: 2 * Math.PI * share, spheres: between(levels, levelAt(share)) };
  });
}

/** Returns the level at a time; between two levels, the nodes of the finer one are moving. */
function levelAt(share: number): number {
  const top = LEVELS - 1;
  if (share < REST) return 0;
  if (share < REST + MERGING) return stepwise(((share - REST) / MERGING) * top);
  if (share < REST + MERGING + MERGED) return top;
  return stepwise(top * (1 - (share - REST - MERGING - MERGED) / (1 - REST - MERGING - MERGED)));
}

/** Eases the motion, so that it begins and ends slowly at each level. */
function stepwise(level: number): number {
  const [whole, part] = [Math.floor(level), level % 1];
  return whole + part * part * (3 - 2 * part);
}

/** Returns the nodes of each level, in the tree's order. */
async function makeLevels(): Promise<Spheres[]> {
  const { positions } = sampleSurface(bunny, POINTS, 0);
  const tree = await buildBallTree(positions, {
    dimensionality: 3,
    strides: Array(LEVELS - 1).fill(STRIDE),
    ballSizes: Array(LEVELS).fill(BALL_SIZE),
  });
  let nodes = scaled(Array.from(tree.treeIdx, (point) => [...positions.subarray(3 * point, 3 * point + 3)]));
  let radius = 0.62 * spacing(nodes);
  return tree.levels.map((_, level) => {
    if (level > 0) {
      nodes = means(nodes);
      // A factor of the square root of the stride would keep the covered share of the surface, but the nodes also move inwards.
      radius *= GROWTH;
    }
    const ballOf = ballOfEachNode(tree, level);
    const colours = chooseColours(ballOf, Float32Array.from(nodes.flat()));
    return nodes.map((node, i) => [...node, radius, ...palette[colours[ballOf[i]]].map((part) => part / 255)]);
  });
}

function means(nodes: readonly number[][]): number[][] {
  return Array.from({ length: nodes.length / STRIDE }, (_, parent) => {
    const children = nodes.slice(STRIDE * parent, STRIDE * (parent + 1));
    return [0, 1, 2].map((d) => children.reduce((sum, child) => sum + child[d], 0) / STRIDE);
  });
}

/** Maps nodes so that the centre of the bounding box is at 0, and none is farther than 1 from it. */
function scaled(nodes: readonly number[][]): number[][] {
  const middle = [0, 1, 2].map((d) => {
    const values = nodes.map((node) => node[d]);
    return (Math.min(...values) + Math.max(...values)) / 2;
  });
  const moved = nodes.map((node) => node.map((value, d) => value - middle[d]));
  const farthest = Math.max(...moved.map((node) => Math.hypot(...node)));
  return moved.map((node) => node.map((value) => value / farthest));
}

/** Returns the median distance between the two points of a leaf. */
function spacing(nodes: readonly number[][]): number {
  const distances = Array.from({ length: nodes.length / 2 }, (_, leaf) => {
    const [a, b] = [nodes[2 * leaf], nodes[2 * leaf + 1]];
    return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  });
  return distances.sort((a, b) => a - b)[distances.length >> 1];
}

/** Returns the finer level's nodes on their way to those into which they merge. */
function between(levels: readonly Spheres[], level: number): Spheres {
  const fine = levels[Math.floor(level)];
  const share = level % 1;
  if (share === 0) return fine;
  const coarse = levels[Math.floor(level) + 1];
  return fine.map((node, i) =>
    node.map((value, part) => value + share * (coarse[Math.floor(i / STRIDE)][part] - value)),
  );
}
