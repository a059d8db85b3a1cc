// Batches whose samples arrive in any order, and those that are made ahead.

import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Device } from "../../src/backends/device.ts";
import { joinEdgeLists, offsetsOf } from "../../src/train/data/batches.ts";
import { loadBatch } from "../../src/train/data/loading.ts";
import { Prefetch } from "../../src/train/data/prefetch.ts";

const request = { seed: 1, epoch: 0, samples: [3, 2, 1, 0] };
const task = { prepare: (samples: number[]) => Promise.resolve(samples) };

it("has its samples in their order, whichever is read first", async () => {
  const data = { size: 4, load: (sample: number) => delay(5 * sample, sample) };
  expect(await loadBatch(data, task, request)).toEqual([3, 2, 1, 0]);
});

it("fails with the first of its samples that cannot be read, whichever fails first", async () => {
  const load = async (sample: number) => {
    await delay(5 * sample);
    throw new Error(`${sample} is damaged`);
  };
  await expect(loadBatch({ size: 4, load }, task, request)).rejects.toThrow("3 is damaged");
  const quick = (sample: number) => {
    if (sample < 3) throw new Error(`${sample} is damaged`);
    return load(sample);
  };
  await expect(loadBatch({ size: 4, load: quick }, task, request)).rejects.toThrow("3 is damaged");
});

it("a batch ahead that cannot be made is an error where it is asked for, and none before", async () => {
  const device = { finished: () => Promise.resolve() } as Device;
  const make = async (index: number) => {
    if (index === 2) throw new Error("2 is damaged");
    return index;
  };
  const batches = new Prefetch(device, make, 0, 4, 2);
  // An unhandled rejection ends the test here.
  await delay(5);
  expect(await batches.next()).toBe(0);
  expect(await batches.next()).toBe(1);
  await expect(batches.next()).rejects.toThrow("2 is damaged");
});

it("the edges of a batch are those of its clouds, between its own points: all sources, then all targets", () => {
  const offsets = offsetsOf([3, 2, 4]);
  expect(offsets).toEqual(Int32Array.of(0, 3, 5, 9));
  const edges = [Int32Array.of(0, 1, 1, 2), Int32Array.of(), Int32Array.of(3, 0)];
  expect(joinEdgeLists(edges, offsets)).toEqual(Int32Array.of(0, 1, 8, 1, 2, 5));
});
