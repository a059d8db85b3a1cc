// The order of samples: every epoch a shuffle of its own, as a function of the seed and the number of the batch.

import { expect, test } from "vitest";
import { BatchOrder } from "../../src/train/order.ts";

const epochOf = (order: BatchOrder, epoch: number) =>
  Array.from({ length: order.batchesPerEpoch }, (_, i) => order.batch(epoch * order.batchesPerEpoch + i).samples);

test("each epoch holds every sample once, in an order of its own", () => {
  const order = new BatchOrder(12, 4, 1);
  const epochs = [0, 1, 2].map((epoch) => epochOf(order, epoch).flat());
  for (const samples of epochs) expect([...samples].sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
  expect(epochs[1]).not.toEqual(epochs[0]);
  expect(epochs[2]).not.toEqual(epochs[1]);
});

test("what does not fill a batch is left out; a batch is never larger than the data", () => {
  expect(epochOf(new BatchOrder(10, 4, 0), 0).map(({ length }) => length)).toEqual([4, 4]);
  expect(epochOf(new BatchOrder(3, 8, 0), 0).map(({ length }) => length)).toEqual([3]);
});

test("a batch depends on seed and number alone", () => {
  const later = new BatchOrder(50, 7, 3).batch(40);
  const order = new BatchOrder(50, 7, 3);
  for (let i = 0; i < 40; i++) order.batch(i);
  expect(order.batch(40)).toEqual(later);
  expect(new BatchOrder(50, 7, 4).batch(40)).not.toEqual(later);
});

test("names what cannot be", () => {
  expect(() => new BatchOrder(0, 4, 0)).toThrow(/no samples/);
  expect(() => new BatchOrder(4, 1.5, 0)).toThrow(/batchSize.*1\.5/);
});
