// Ball trees and rotated partitions against the reference's golden files and the rule of the specification, and their
// independence of threads, of other clouds and of the order of points.
import { buildBallTree } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permutation, seededRandom, takeRows } from "../support/clouds.ts";
import { loadGolden } from "../support/files.ts";
import {
  buildCloudTree,
  float32Means,
  type Points,
  partition,
  range,
  rotatePositions,
} from "../support/reference/tree.ts";
import { clouds, expectSame, makeClouds } from "./clouds.ts";

/** The members of each ball of `size` nodes, sorted; balls of a small cloud are the whole cloud. */
function balls(nodes: ArrayLike<number>, offsets: ArrayLike<number>, size: number): number[][] {
  const members = Array.from(nodes);
  const result: number[][] = [];
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    for (let start = offsets[cloud]; start < offsets[cloud + 1]; start += size) {
      const end = Math.min(start + size, offsets[cloud + 1]);
      result.push(members.slice(start, end).sort((a, b) => a - b));
    }
  }
  return result;
}

/** Rows [start, end). */
function rows(positions: Float32Array, dimensionality: number, start: number, end: number): Points {
  return { data: positions.subarray(start * dimensionality, end * dimensionality), dimensionality };
}

/** Builds the batch's trees by the specification's rule. */
function plainTrees(positions: Float32Array, dimensionality: number, offsets: Int32Array) {
  const treeIdx: number[] = [];
  const treeMask: number[] = [];
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    const start = offsets[cloud];
    const { index, mask } = buildCloudTree(rows(positions, dimensionality, start, offsets[cloud + 1]));
    for (const id of index) treeIdx.push(start + id);
    for (const own of mask) treeMask.push(own);
  }
  return { treeIdx: Int32Array.from(treeIdx), treeMask: Uint8Array.from(treeMask) };
}

describe("golden files", () => {
  test("balls of every size in two dimensions, clouds of 2 to 4097 points", async () => {
    const { tensors } = await loadGolden("tree_2d");
    const data = (name: string) => tensors.get(name)!.data as Int32Array;
    const tree = await buildBallTree(tensors.get("node_positions")!.data as Float32Array, {
      dimensionality: 2,
      batchIdx: data("batch_idx"),
    });
    expect(tree.offsets).toEqual(data("tree_offsets"));
    expect(tree.treeMask.reduce((sum, original) => sum + original, 0)).toBe(5278);
    for (const size of [2, 4, 8, 16, 32, 128, 512, 2048, 8192]) {
      expect(balls(tree.treeIdx, tree.offsets, size)).toEqual(balls(data(`balls.${size}`), tree.offsets, size));
    }
  });

  test("rotated balls of four levels in three dimensions", async () => {
    const { tensors, metadata } = await loadGolden("tree_rot_3d");
    const data = (name: string) => tensors.get(name)!.data as Int32Array;
    const { strides, ball_sizes: ballSizes, rotate } = JSON.parse(metadata.config);
    const tree = await buildBallTree(tensors.get("node_positions")!.data as Float32Array, {
      dimensionality: 3,
      batchIdx: data("batch_idx"),
      strides,
      ballSizes,
      rotate,
    });
    const { offsets } = tree.levels[0];
    expect(balls(tree.treeIdx, offsets, 2)).toEqual(balls(data("tree_idx"), offsets, 2));
    tree.levels.forEach(({ ballSize, offsets }, level) => {
      // At the finest level slots are compared by their points, because the reference has another order within a leaf.
      const ours = tree.treeIdxRot[level].map((node) => (level === 0 ? tree.treeIdx[node] : node));
      const theirs = data(`balls_rot.${level}`).map((node) => (level === 0 ? data("tree_idx")[node] : node));
      expect(balls(ours, offsets, ballSize)).toEqual(balls(theirs, offsets, ballSize));
    });
  });
});

describe("the rule", () => {
  test("trees follow the specification's rule, for any points", async () => {
    await fc.assert(
      fc.asyncProperty(clouds(5000, [1, 2, 3, 5]), async (batch) => {
        const { positions, offsets } = makeClouds(batch);
        const tree = await buildBallTree(positions, { dimensionality: batch.dimensionality, offsets });
        const plain = plainTrees(positions, batch.dimensionality, offsets);
        expectSame(tree.treeIdx, plain.treeIdx);
        expectSame(tree.treeMask, plain.treeMask);
      }),
      { numRuns: 120, seed: 1 },
    );
  });

  test("every point has one slot of its own", async () => {
    const { positions, offsets } = makeClouds({
      kind: "uniform",
      dimensionality: 3,
      sizes: [1, 2, 777, 4097],
      seed: 5,
    });
    const { treeIdx, treeMask } = await buildBallTree(positions, { dimensionality: 3, offsets });
    const own = treeIdx.filter((_, slot) => treeMask[slot] === 1).sort();
    expect(own).toEqual(Int32Array.from(range(offsets[4])));
    const twins = treeIdx.filter((point, slot) => treeMask[slot] === 0 && treeIdx[slot - 1] === point);
    expect(twins.length).toBe(treeMask.filter((mask) => mask === 0).length);
  });

  test("rotated partitions follow the specification's rule, including small clouds", async () => {
    const levels = fc.constantFrom(
      { strides: [2, 2], ballSizes: [16, 8, 4] },
      { strides: [8, 1, 4], ballSizes: [128, 1, 16, 256] },
      { strides: [], ballSizes: [2] },
    );
    const angle = fc.constantFrom(45, 30, 1e-3, 400);
    await fc.assert(
      fc.asyncProperty(clouds(1500, [2, 3]), levels, angle, async (batch, { strides, ballSizes }, rotate) => {
        const { positions, offsets } = makeClouds(batch);
        const { dimensionality } = batch;
        const tree = await buildBallTree(positions, { dimensionality, offsets, strides, ballSizes, rotate });
        for (let cloud = 0; cloud < batch.sizes.length; cloud++) {
          const slots = tree.treeIdx.subarray(tree.offsets[cloud], tree.offsets[cloud + 1]);
          const leaves = { data: takeRows(positions, dimensionality, slots), dimensionality };
          let nodes = rotatePositions(leaves, rotate);
          tree.levels.forEach(({ ballSize, stride, offsets }, level) => {
            const count = nodes.data.length / dimensionality;
            const start = offsets[cloud];
            expect(offsets[cloud + 1] - start).toBe(count);
            const order = tree.treeIdxRot[level].subarray(start, start + count).map((node) => node - start);
            const plain = partition(nodes, Math.min(ballSize, count));
            expect(balls(order, [0, count], ballSize)).toEqual(balls(plain, [0, count], ballSize));
            const groups = range(Math.ceil(count / stride) * stride).map((node) => Math.min(node, count - 1));
            nodes = float32Means(nodes, groups, stride);
          });
        }
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test("rotated partitions hold every node once, where rotated coordinates and their means are beyond float32", async () => {
    const random = seededRandom(12);
    for (const dimensionality of [2, 3]) {
      // Small clouds first: a split of large ones need not have ended.
      for (const points of [12, 20, 23, 24, 26, 32, 700, 5000]) {
        const positions = Float32Array.from({ length: points * dimensionality }, () => (2 * random() - 1) * 3.4e38);
        const options = { dimensionality, strides: [2, 4], ballSizes: [2, 2, 2], rotate: 45 };
        const { treeIdxRot, levels } = await buildBallTree(positions, options);
        treeIdxRot.forEach((order, level) => {
          expect(
            [...order].sort((a, b) => a - b),
            `${points} points`,
          ).toEqual(range(levels[level].nodes));
        });
      }
    }
  });
});

describe("independence", () => {
  test("of the number of threads, for clouds larger and smaller than a thread's part", async () => {
    for (const kind of ["uniform", "clusters", "fineGrid", "equal"]) {
      const batch = { kind, dimensionality: 3, sizes: [70001, 3, 9000, 1], seed: 3 };
      const { positions, offsets } = makeClouds(batch);
      const options = { dimensionality: 3, offsets, strides: [4, 2], ballSizes: [256, 64, 16], rotate: 45 };
      const one = await buildBallTree(positions, { ...options, threads: 1 });
      for (const threads of [2, 8]) {
        const many = await buildBallTree(positions, { ...options, threads });
        expectSame(many.treeIdx, one.treeIdx);
        expectSame(many.treeMask, one.treeMask);
        one.treeIdxRot.forEach((order, level) => {
          expectSame(many.treeIdxRot[level], order);
        });
      }
      if (kind === "uniform") expectSame(one.treeIdx, plainTrees(positions, 3, offsets).treeIdx);
    }
  });

  test("of the other clouds of the batch and their order", async () => {
    const { positions, offsets } = makeClouds({ kind: "fineGrid", dimensionality: 2, sizes: [700, 5, 2500], seed: 4 });
    const options = { dimensionality: 2, strides: [2], ballSizes: [32, 16], rotate: 45 };
    const tree = await buildBallTree(positions, { ...options, offsets });
    for (let cloud = 0; cloud < 3; cloud++) {
      const [start, end] = [offsets[cloud], offsets[cloud + 1]];
      const alone = await buildBallTree(positions.slice(2 * start, 2 * end), options);
      expect(tree.treeIdx.slice(tree.offsets[cloud], tree.offsets[cloud + 1])).toEqual(
        alone.treeIdx.map((point) => point + start),
      );
      tree.levels.forEach(({ offsets }, level) => {
        const ofCloud = tree.treeIdxRot[level].slice(offsets[cloud], offsets[cloud + 1]);
        expect(ofCloud).toEqual(alone.treeIdxRot[level].map((node) => node + offsets[cloud]));
      });
    }
  });

  test("of the order of the points and of the cloud's position", async () => {
    // Coordinates in steps of 2^-12, all different on each axis, so that shifts by whole numbers are exact.
    const random = seededRandom(6);
    const axes = [0, 1, 2].map(() => permutation(3000, random));
    const positions = Float32Array.from({ length: 9000 }, (_, k) => axes[k % 3][Math.floor(k / 3)] / 4096);
    const tree = await buildBallTree(positions, { dimensionality: 3 });

    const order = permutation(3000, random);
    const shuffled = await buildBallTree(takeRows(positions, 3, order), { dimensionality: 3 });
    expect(shuffled.treeIdx.map((point) => order[point])).toEqual(tree.treeIdx);

    const shifted = positions.map((value, k) => value + [100, -3, 7][k % 3]);
    expect((await buildBallTree(shifted, { dimensionality: 3 })).treeIdx).toEqual(tree.treeIdx);
  });
});
