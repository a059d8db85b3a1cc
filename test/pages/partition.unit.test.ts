// What pictures take from a tree, on a ragged batch whose smallest clouds fill neither balls nor groups.

import { type BallTree, buildBallTree } from "erwin";
import { saveNpz } from "erwin/formats";
import { beforeAll, expect, test } from "vitest";
import { ballOfEachPoint } from "../../src/balltree/balls.ts";
import { chooseColours } from "../../src/drawing/colours.ts";
import { fieldWith, readCloud } from "../../src/pages/explorer/cloud.ts";
import {
  boundingSpheres,
  connectedPairs,
  mergedPositions,
  partOfEachPoint,
  splitsOf,
} from "../../src/pages/explorer/partition.ts";
import { spreadOrder } from "../../src/pages/shared/stage/layout.ts";
import { colourOfEach, hasGaps, NO_VALUE, rangeOf } from "../../src/pages/shared/stage/paint.ts";
import { seededRandom } from "../support/clouds.ts";

const offsets = Int32Array.of(0, 100, 101, 107);
const points = 107;
const random = seededRandom(5);
const positions = Float32Array.from({ length: 3 * points }, () => random());
const ballSizes = [16, 8];
let tree: BallTree;

beforeAll(async () => {
  tree = await buildBallTree(positions, { dimensionality: 3, offsets, strides: [4], ballSizes, rotate: 45 });
});

/** The points of every ball, sorted. */
function members(ballOf: Int32Array): number[][] {
  const balls: number[][] = Array.from({ length: Math.max(...ballOf) + 1 }, () => []);
  ballOf.forEach((ball, point) => balls[ball].push(point));
  return balls;
}

test("balls are what the tree's arrays say", () => {
  // 100 points have 128 slots; 1 and 6 have 2 and 8, fewer than a ball.
  const slots = (first: number, end: number) => [...new Set(tree.treeIdx.subarray(first, end))].sort((a, b) => a - b);
  const fine = [...Array.from({ length: 8 }, (_, k) => slots(16 * k, 16 * k + 16)), slots(128, 130), slots(130, 138)];
  expect(members(ballOfEachPoint(tree, 0))).toEqual(fine);
  // 32 nodes of four slots each, eight in a ball.
  const coarse = [...Array.from({ length: 4 }, (_, k) => slots(32 * k, 32 * k + 32)), [100], slots(130, 138)];
  expect(members(ballOfEachPoint(tree, 1))).toEqual(coarse);
  const rotated = Array.from(tree.treeIdxRot[0].subarray(16, 32)).filter((slot) => tree.treeMask[slot]);
  expect(members(ballOfEachPoint(tree, 0, true))[1]).toEqual(
    rotated.map((slot) => tree.treeIdx[slot]).sort((a, b) => a - b),
  );
});

test.each([false, true])("halvings from whole clouds to the balls of level 0, rotated: %s", (rotated) => {
  const splits = splitsOf(tree);
  expect(splits).toBe(3);
  expect(partOfEachPoint(tree, 0, rotated)).toEqual(
    Int32Array.from({ length: points }, (_, i) => (i < 100 ? 0 : i < 101 ? 1 : 2)),
  );
  expect(partOfEachPoint(tree, splits, rotated)).toEqual(ballOfEachPoint(tree, 0, rotated));
  for (let depth = 1; depth <= splits; depth++) {
    const parents = partOfEachPoint(tree, depth - 1, rotated);
    for (const part of members(partOfEachPoint(tree, depth, rotated))) {
      expect(new Set(part.map((point) => parents[point])).size).toBe(1);
    }
  }
});

test("spheres hold their balls, and touch one of their points", () => {
  const ballOf = ballOfEachPoint(tree, 0);
  const spheres = boundingSpheres(ballOf, positions);
  const reach = Array.from({ length: spheres.length / 4 }, () => 0);
  ballOf.forEach((ball, point) => {
    const offset = [0, 1, 2].map((d) => positions[3 * point + d] - spheres[4 * ball + d]);
    reach[ball] = Math.max(reach[ball], Math.hypot(...offset));
  });
  reach.forEach((distance, ball) => {
    expect(spheres[4 * ball + 3]).toBeCloseTo(distance, 5);
  });
});

test("merged points lie in the mean of their node's slots", () => {
  const merged = mergedPositions(tree, positions, 1);
  for (const slot of [0, 36, 127]) {
    const first = slot - (slot % 4);
    for (let d = 0; d < 3; d++) {
      const four = [0, 1, 2, 3].map((i) => positions[3 * tree.treeIdx[first + i] + d]);
      expect(merged[3 * tree.treeIdx[slot] + d]).toBeCloseTo(four.reduce((sum, value) => sum + value) / 4, 6);
    }
  }
  expect(mergedPositions(tree, positions, 0)).toEqual(positions);
});

test("every beginning of the order is spread over the balls", () => {
  const order = spreadOrder(tree);
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: points }, (_, i) => i));
  const ballOf = ballOfEachPoint(tree, 0);
  // Eight balls of the large cloud and the two small clouds.
  expect(new Set(Array.from(order.subarray(0, 16), (point) => ballOf[point])).size).toBeGreaterThanOrEqual(9);
});

test("neighbouring balls have different colours", () => {
  const line = Float32Array.from({ length: 3 * 40 }, (_, i) => (i % 3 === 0 ? Math.floor(i / 6) : 0));
  const ballOf = Int32Array.from({ length: 40 }, (_, i) => i >> 1);
  const colours = chooseColours(ballOf, line);
  for (let ball = 1; ball < 20; ball++) expect(colours[ball]).not.toBe(colours[ball - 1]);
});

test("an edge is drawn once, whichever of its directions there are", () => {
  const edges = Int32Array.of(5, 2, 0, 1, 3, 3, /* to */ 2, 5, 1, 0, 3, 4);
  expect([...connectedPairs(edges, 6)]).toEqual([0 * 6 + 1, 2 * 6 + 5, 3 * 6 + 4]);
});

test("edges to points that do not exist are refused, not drawn to the centre", async () => {
  const positions = { shape: [3, 3], data: new Float32Array(9) };
  const read = async (edges: number[]) =>
    (
      await readCloud(saveNpz({ positions, edge_index: { shape: [2, 2], data: Float64Array.from(edges) } }), "a.npz")
    ).edges();
  expect(await read([0, 1, 1, 2])).toEqual(Int32Array.of(0, 1, 1, 2));
  await expect(read([0, 1, 1, 3])).rejects.toThrow(
    "a.npz:edge_index: element 3 is the point 3, there are 3, counted from 0.",
  );
  await expect(read([0, 1, -1, 2])).rejects.toThrow("element 2 is the point -1");
});

test("a model's features are looked for beside columns of text", async () => {
  const cloud = await readCloud(new TextEncoder().encode("x,y,z,name,t\n0,0,0,a,1\n1,0,0,b,2\n"), "a.csv");
  expect(cloud.fields).toEqual(["name", "t"]);
  expect([...(fieldWith(cloud, 1)?.data ?? [])]).toEqual([1, 2]);
  expect(fieldWith(cloud, 2)).toBeUndefined();
});

test("where a field has no value, points are grey and the scale is that of the others", () => {
  const values = [3, Number.NaN, 1, Number.POSITIVE_INFINITY];
  const range = rangeOf(values);
  expect(range).toEqual([1, 3]);
  const colourOf = colourOfEach(values, range);
  const end = (share: number) => colourOfEach([share], [0, 1])(0);
  expect([0, 1, 2, 3].map(colourOf)).toEqual([end(1), NO_VALUE, end(0), end(1)]);
  expect(NO_VALUE).not.toEqual(end(0));
  expect(hasGaps(values)).toBe(true);
  expect(hasGaps(values.filter((value) => !Number.isNaN(value)))).toBe(false);
});

test("a field without finite values has the empty range, and every point a colour", () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const [low, high] = rangeOf(values);
  expect(low).toBeGreaterThan(high);
  const colourOf = colourOfEach(values, [low, high]);
  const end = (share: number) => colourOfEach([share], [0, 1])(0);
  expect([0, 1, 2].map(colourOf)).toEqual([NO_VALUE, end(1), end(0)]);
});
