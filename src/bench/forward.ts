// The forward benchmark: the README's model on seeded uniform clouds, repeated; times, rate, and that memory stays flat.

import type { Device } from "../backends/device.ts";
import { knnGraph } from "../balltree/index.ts";
import { ErwinTransformer } from "../erwin/model.ts";
import { caseClouds, caseGraph } from "./case.ts";
import { forwardOperations } from "./operations.ts";
import { readmeModel } from "./readme-model.ts";
import { formatTable, formatTiming, type Timing, timingOf } from "./timing.ts";

export interface ForwardBenchOptions {
  device: Device;
  /** Points of each cloud; one case each. Default 2048 and 4096. */
  points?: readonly number[];
  /** Clouds in the batch. Default 1. */
  clouds?: number;
  /** Repetitions after the first two. Default: as many as fit into 20 seconds, 3 at least and 100 at most. */
  repeat?: number;
  /** Channels of the finest level. Default 32. */
  channels?: number;
}

export interface ForwardBenchRow {
  clouds: number;
  points: number;
  /** Milliseconds of the first pass, kernels compiled on the way. */
  first: number;
  tree: Timing;
  graph: Timing;
  /** Tree and graph given: from the call to the last number computed. */
  forward: Timing;
  gigaflops: number;
  /** Bytes held after the second pass and after the last; buffers created between them. */
  memory: { afterSecond: number; afterLast: number; peak: number; buffersCreated: number };
}

export interface ForwardBench {
  device: string;
  rows: ForwardBenchRow[];
}

const SECONDS = 20;

export async function benchForward({
  device,
  points = [2048, 4096],
  ...rest
}: ForwardBenchOptions): Promise<ForwardBench> {
  const { clouds = 1, channels = 32, repeat } = rest;
  const model = await ErwinTransformer.create(readmeModel(channels), { device });
  const rows: ForwardBenchRow[] = [];
  for (const size of points) rows.push(await measure(model, size, clouds, repeat));
  model.dispose();
  return { device: `${device.backend}: ${device.info.description}`, rows };
}

async function measure(
  model: ErwinTransformer,
  points: number,
  clouds: number,
  repeat: number | undefined,
): Promise<ForwardBenchRow> {
  const { device, config } = model;
  const { nodeFeatures, nodePositions, offsets } = caseClouds(config, clouds, points);

  const graphTimes: number[] = [];
  const treeTimes: number[] = [];
  const graph = () => knnGraph(nodePositions, { dimensionality: config.dimensionality, offsets, ...caseGraph });
  for (let i = 0; i < 5; i++) await timed(graph, graphTimes);
  const edgeIndex = await graph();
  const input = { nodeFeatures, nodePositions, offsets, edgeIndex };
  for (let i = 0; i < 5; i++) await timed(() => model.prepare(input), treeTimes);
  const prepared = await model.prepare(input);

  const times: number[] = [];
  const pass = async () => {
    const output = await model.forward(prepared);
    await device.finished();
    output.dispose();
  };
  const first = await timed(pass, []);
  const second = await timed(pass, []);
  const afterSecond = device.memory.current;
  const buffers = device.memory.buffersCreated;
  const repetitions = repeat ?? Math.max(3, Math.min(100, Math.round((SECONDS * 1000) / second)));
  for (let i = 0; i < repetitions; i++) await timed(pass, times);

  const forward = timingOf(times);
  return {
    clouds,
    points,
    first,
    tree: timingOf(treeTimes.slice(1)),
    graph: timingOf(graphTimes.slice(1)),
    forward,
    gigaflops: forwardOperations(config, prepared.tree.levels, clouds * points) / forward.median / 1e6,
    memory: {
      afterSecond,
      afterLast: device.memory.current,
      peak: device.memory.peak,
      buffersCreated: device.memory.buffersCreated - buffers,
    },
  };
}

async function timed(work: () => Promise<unknown>, times: number[]): Promise<number> {
  const start = performance.now();
  await work();
  const time = performance.now() - start;
  times.push(time);
  return time;
}

/** A table for people. */
export function formatForwardBench({ device, rows }: ForwardBench): string {
  const lines = [
    [
      "clouds x points",
      "first",
      "forward, median (quartiles)",
      "GFLOP/s",
      "tree",
      "graph",
      "peak memory",
      "memory grown, buffers created",
    ],
    ...rows.map((row) => [
      `${row.clouds} x ${row.points}`,
      `${row.first.toFixed(0)} ms`,
      `${formatTiming(row.forward)} x ${row.forward.repetitions}`,
      row.gigaflops.toFixed(1),
      `${row.tree.median.toFixed(2)} ms`,
      `${row.graph.median.toFixed(2)} ms`,
      `${(row.memory.peak / 2 ** 20).toFixed(1)} MiB`,
      `${row.memory.afterLast - row.memory.afterSecond} bytes, ${row.memory.buffersCreated}`,
    ]),
  ];
  return [`Forward pass of the README's model on ${device}`, "", ...formatTable(lines)].join("\n");
}
