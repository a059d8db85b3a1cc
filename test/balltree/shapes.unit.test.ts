// The shapes of trees and levels, in exact numbers.
import { expect, test } from "vitest";
import { treeLevels, treeSlots } from "../../src/balltree/levels.ts";
import { cloudOffsets } from "../../src/balltree/offsets.ts";

test("a tree has the next power of two of slots, at least 2", () => {
  const slots = [1, 2, 3, 4, 5, 64, 65, 4097].map(treeSlots);
  expect(slots).toEqual([2, 2, 4, 4, 8, 64, 128, 8192]);
});

test("levels: a cloud with fewer nodes than the stride becomes one node", () => {
  const levels = treeLevels(Int32Array.of(0, 1, 6, 106), [4, 1, 8], [32, 8, 8, 2]);
  expect(levels).toEqual([
    { ballSize: 32, stride: 4, nodes: 138, offsets: Int32Array.of(0, 2, 10, 138) },
    { ballSize: 8, stride: 1, nodes: 35, offsets: Int32Array.of(0, 1, 3, 35) },
    { ballSize: 8, stride: 8, nodes: 35, offsets: Int32Array.of(0, 1, 3, 35) },
    { ballSize: 2, stride: 1, nodes: 6, offsets: Int32Array.of(0, 1, 2, 6) },
  ]);
});

test("offsets from a batch index, from offsets, or of one cloud", () => {
  expect(cloudOffsets(5, { batchIdx: [0, 0, 1, 2, 2] })).toEqual(Int32Array.of(0, 2, 3, 5));
  expect(cloudOffsets(5, { offsets: [0, 2, 5] })).toEqual(Int32Array.of(0, 2, 5));
  expect(cloudOffsets(5)).toEqual(Int32Array.of(0, 5));
});
