// The figures of the paper's model on an NVIDIA A6000, as its authors published them: 16 clouds, 32 channels.

import { type Entry, measureOf } from "./entry.ts";

const points = [1024, 2048, 4096, 8192, 16384, 32768];
/** Milliseconds of a forward pass. */
const eager = [15.2, 17.3, 31.6, 79.7, 189, 459];
const compiled = [5.55, 11.6, 30.2, 63.2, 127, 222];
/** Billions of operations in a forward pass, per point of one cloud. */
const GIGAFLOP_OF_POINT = 1227 / 16 / 16384;

const entry = (how: string, times: number[]): Entry => ({
  id: `published ${how}`,
  title: "NVIDIA A6000",
  detail: `PyTorch, ${how}, as published`,
  origin: "published",
  measures: times.map((time, i) => ({
    ...measureOf({
      name: `forward 16 x ${points[i]}, 32 channels`,
      benchmark: "forward",
      clouds: 16,
      points: points[i]!,
      channels: 32,
      time: { median: time, low: time, high: time, best: time, repetitions: 1 },
    }),
    device: "cuda",
    gigaflops: (GIGAFLOP_OF_POINT * 16 * points[i]!) / (time / 1000),
  })),
  devices: [],
});

export const published: readonly Entry[] = [entry("eager", eager), entry("compiled", compiled)];
