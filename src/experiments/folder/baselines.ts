// Trivial predictors, which need no training: the mean of the training split, zero, and no change.

import type { Metrics } from "../../train/evaluate.ts";
import type { DataSet } from "../../train/task.ts";
import { meanOfEach, meanOver, spreadOf } from "../baselines.ts";
import type { Baselines } from "../experiment.ts";
import type { FieldCloud } from "./cloud.ts";
import type { Known, TargetPlace } from "./layout.ts";
import { lossOnHost } from "./losses.ts";
import { measure, summarise } from "./metrics.ts";
import type { ColumnStatistics } from "./statistics.ts";

/** Returns the losses over clouds whose truth is known. */
export function baselineLosses(clouds: readonly FieldCloud[], known: Known): Baselines {
  const { layout } = known;
  return ofEach(trivialOutputs(known), (row) =>
    meanOver(clouds, ({ points, truth }) => lossOnHost(repeated(row, points), truth as Float32Array, layout)),
  );
}

/** Returns the metrics over all samples of a split, of which it keeps no more than one in memory. */
export async function baselineMetrics(data: DataSet<FieldCloud>, known: Known): Promise<Record<string, Metrics>> {
  const { layout } = known;
  const rows = trivialOutputs(known);
  const samples = await spreadOf(
    data,
    ({ points, truth }) => ofEach(rows, (row) => measure(repeated(row, points), truth as Float32Array, layout)),
    data.size,
  );
  return ofEach(rows, (_, name) => summarise(meanOfEach(samples.map((found) => found[name])), layout));
}

/** Returns the rows of model output that trivial predictors give at each point. */
function trivialOutputs({ layout, statistics }: Known): Record<string, readonly number[]> {
  const isSequence = layout.state.length > 0;
  const hasClasses = layout.targets.some(({ target }) => target.classes !== undefined);
  const ofTargets = statistics.changes ?? statistics.targets;
  const row = (isZero: boolean) =>
    layout.targets.flatMap((place) => outputOf(place, ofTargets[place.target.name], isZero));
  return { mean: row(false), ...(!hasClasses && { [isSequence ? "persistence" : "zero"]: row(true) }) };
}

const repeated = (row: readonly number[], points: number) =>
  Float64Array.from({ length: points * row.length }, (_, i) => row[i % row.length]);

function ofEach<From, To>(
  values: Readonly<Record<string, From>>,
  convert: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, convert(value, name)]));
}

/** Returns the model output that means the mean, or zero, everywhere. */
function outputOf({ target, scaling, classWeights }: TargetPlace, known: ColumnStatistics, isZero: boolean): number[] {
  if (target.loss === "cross_entropy") return logFrequencies(known.counts as readonly number[], classWeights);
  const { shift, scale } = scaling;
  const centre = known.mean.map((mean, column) => ((isZero ? 0 : mean) - shift[column]) / scale[column]);
  if (target.loss !== "gaussian") return centre;
  const deviations = known.deviation.map((deviation, column) => {
    const apart = isZero ? known.mean[column] : 0;
    return inverseSoftplus(Math.hypot(deviation, apart) / scale[column]);
  });
  return [...centre, ...deviations];
}

/**
 * Returns the log frequency of each class, times its weight: no constant has a lower loss. A class that never occurs in training counts
 * as if it had occurred once.
 */
function logFrequencies(counts: readonly number[], weights: readonly number[] = counts.map(() => 1)): number[] {
  const logOf = (values: readonly number[]) => {
    const sum = values.reduce((total, value) => total + value, 0);
    return values.map((value) => Math.log(value / sum));
  };
  const seen = counts.map((count) => Math.max(count, 1));
  const plain = logOf(seen);
  // A class without weight is never predicted. Of balanced classes, which are all as likely, it is the most frequent one.
  const weighted = logOf(seen.map((count, k) => Math.max(count * weights[k], 1e-12)));
  return weighted.map((value, k) => value + 1e-9 * plain[k]);
}

/** log(exp(value) - 1), of which the exponential would be infinite where a mean is far greater than the deviation. */
function inverseSoftplus(deviation: number): number {
  const value = Math.max(deviation, 1e-6);
  return value + Math.log(-Math.expm1(-value));
}
