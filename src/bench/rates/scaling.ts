// Fits how the time of a forward pass grows with the number of points: the exponent of the best power law.

import type { BenchCase } from "../report/measurement.ts";

/** Exponents of the number of points: 1 means that twice the points take twice the time. */
export interface Exponents {
  forward: number;
  prepare: number;
  graph: number;
}

/** Fits the sizes that were measured; undefined if there are fewer than two. */
export function scalingExponents(cases: readonly BenchCase[]): Exponents | undefined {
  const measured = cases.flatMap(({ benchmark, points, time, pass }) =>
    benchmark === "scaling" && time && pass ? [{ points, forward: time, ...pass }] : [],
  );
  if (measured.length < 2) return undefined;
  const exponentOf = (part: keyof Exponents) =>
    fitExponent(measured.map((size) => ({ size: size.points, time: size[part].median })));
  return { forward: exponentOf("forward"), prepare: exponentOf("prepare"), graph: exponentOf("graph") };
}

/** The slope of log(time) against log(size), by least squares. */
export function fitExponent(measured: readonly { size: number; time: number }[]): number {
  const x = measured.map(({ size }) => Math.log(size));
  const y = measured.map(({ time }) => Math.log(time));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - meanX) * (y[i] - meanY)));
  return covariance / mean(x.map((value) => (value - meanX) ** 2));
}

/** Describes the exponents in a sentence for people. */
export function formatExponents(cases: readonly BenchCase[]): string[] {
  const exponents = scalingExponents(cases);
  if (!exponents) return ["Too few sizes to tell how time grows."];
  const [forward, prepare, graph] = [exponents.forward, exponents.prepare, exponents.graph].map((e) => e.toFixed(3));
  return [
    `Time grows as points^${forward}, that of preparing as points^${prepare}, that of the graph as points^${graph}.`,
  ];
}
