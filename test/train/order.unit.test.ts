// The order of samples: another shuffle in every epoch, as a function of the seed and the index of the batch.

import { expect, test } from "vitest";
import { BatchOrder } from "../../src/train/data/order.ts";

const epochOf = (order: BatchOrder, epoch: number) =>
  Array.from({ length: order.batchesPerEpoch }, (_, i) => order.batch(epoch * order.batchesPerEpoch + i).samples);

test("each epoch has every sample once, in another order", () => {
  const order = new BatchOrder(12, 4, 1);
  const epochs = [0, 1, 2].map((epoch) => epochOf(order, epoch).flat());
  for (const samples of epochs) expect([...samples].sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
  expect(epochs[1]).not.toEqual(epochs[0]);
  expect(epochs[2]).not.toEqual(epochs[1]);
});

test("samples that do not fill a batch are left out; a batch is never larger than the data", () => {
  expect(epochOf(new BatchOrder(10, 4, 0), 0).map(({ length }) => length)).toEqual([4, 4]);
  expect(epochOf(new BatchOrder(3, 8, 0), 0).map(({ length }) => length)).toEqual([3]);
});

test("without shuffling, those left out of an epoch begin the next: every sample comes equally often", () => {
  const order = new BatchOrder(5, 2, 0, false);
  expect([0, 1].map((epoch) => epochOf(order, epoch))).toEqual([
    [
      [0, 1],
      [2, 3],
    ],
    [
      [4, 0],
      [1, 2],
    ],
  ]);
  const seen = Array.from({ length: 5 }, (_, index) => order.batch(index).samples).flat();
  expect(seen.sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
});

test("a batch depends only on the seed and its index", () => {
  const later = new BatchOrder(50, 7, 3).batch(40);
  const order = new BatchOrder(50, 7, 3);
  for (let i = 0; i < 40; i++) order.batch(i);
  expect(order.batch(40)).toEqual(later);
  expect(new BatchOrder(50, 7, 4).batch(40)).not.toEqual(later);
});

test("names invalid arguments", () => {
  expect(() => new BatchOrder(0, 4, 0)).toThrow(/no samples/);
  expect(() => new BatchOrder(4, 1.5, 0)).toThrow(/batchSize.*1\.5/);
});
