// The graph benchmark: the nearest neighbours in uniform clouds, and all their pairs within a radius.

import { readmeModel } from "../../erwin/presets.ts";
import { knnGraph, radiusGraph, resolveConfig } from "../../index.ts";
import { calibrateOnHost, formatTiming, type Repeats, timeOnHost } from "../rates/timing.ts";
import { type BenchCase, type CaseListener, threadsText } from "../report/measurement.ts";
import { formatTable } from "../report/table.ts";
import type { SubjectListener } from "../suite/subject.ts";
import { caseClouds, caseGraph } from "./case.ts";

export interface GraphOptions extends Repeats {
  cases: readonly { clouds: number; points: number }[];
  threads: number | undefined;
  onCase?: CaseListener;
}

/** Graphs need no features, so one channel is enough. */
const config = resolveConfig({ ...readmeModel(32), cIn: 1 });

/** Measures both kinds of graph, with about as many neighbours in each. */
export async function benchGraph({ cases, threads, onCase, ...repeats }: GraphOptions): Promise<BenchCase[]> {
  const measured: BenchCase[] = [];
  for (const { build, size } of graphs({ cases, threads })) {
    const edges = (await build()).length / 2;
    const time = await timeOnHost(build, repeats);
    const done: BenchCase = { ...size, edges, time };
    measured.push(done);
    onCase?.(done);
  }
  return measured;
}

/**
 * Prepares both kinds of graph for rounds of measurements, with each number of threads. Names contain the number of threads unless
 * it is the last, as in other results.
 */
export async function readyGraphs(
  { cases, threads }: { cases: GraphOptions["cases"]; threads: readonly number[] },
  { onReady }: Pick<SubjectListener, "onReady">,
): Promise<void> {
  for (const threadCount of threads) {
    for (const { build, size } of graphs({ cases, threads: threadCount })) {
      const edges = (await build()).length / 2;
      const { take, span } = await calibrateOnHost(build);
      const suffix = threadCount === threads.at(-1) ? "" : `, ${threadsText(threadCount)}`;
      const description: BenchCase = { ...size, name: size.name + suffix, threads: threadCount };
      onReady({ description, take, span, summarise: (time) => ({ ...description, edges, time }), dispose: () => {} });
    }
  }
}

function* graphs({ cases, threads }: Pick<GraphOptions, "cases" | "threads">) {
  for (const { clouds, points } of cases) {
    const { nodePositions, offsets } = caseClouds(config, clouds, points);
    const given = { dimensionality: config.dimensionality, offsets, threads, loop: true };
    const radius = Math.cbrt((3 * caseGraph.k) / (4 * Math.PI * points));
    const kinds = {
      knn: () => knnGraph(nodePositions, { ...given, k: caseGraph.k }),
      radius: () => radiusGraph(nodePositions, { ...given, radius }),
    };
    for (const [kind, build] of Object.entries(kinds)) {
      const size: BenchCase = { name: `graph ${kind} ${clouds} x ${points}`, benchmark: "graph", clouds, points };
      yield { build, size };
    }
  }
}

/** Formats the cases as a table for people. */
export function formatGraphs(cases: readonly BenchCase[]): string[] {
  const lines = [
    ["graph", "median (quartiles)", "edges"],
    ...cases.flatMap(({ name, time, edges }) =>
      time ? [[name.slice("graph ".length), `${formatTiming(time)} x ${time.repetitions}`, String(edges)]] : [],
    ),
  ];
  return formatTable(lines);
}
