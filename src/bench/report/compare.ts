// Compares two results of the benchmarks case by case.

import { type BenchResult, deviceName, expectResult } from "./result.ts";
import { formatTable } from "./table.ts";

/** One case of two results, `a` and `b`. */
export interface ComparedCase {
  name: string;
  /** Medians in milliseconds; absent where a result does not have the case, or has not measured it. */
  a?: number;
  b?: number;
  /** b / a: below 1 where b is faster. */
  ratio?: number;
}

/** Compares all cases that either result has, those of `a` first. @throws InputError for what is no result */
export function compareResults(a: BenchResult, b: BenchResult): ComparedCase[] {
  expectResult(a, "a");
  expectResult(b, "b");
  const timesOf = ({ cases }: BenchResult) => new Map(cases.map(({ name, time }) => [name, time?.median]));
  const [timesA, timesB] = [timesOf(a), timesOf(b)];
  return [...new Set([...timesA.keys(), ...timesB.keys()])].map((name) => {
    const [timeA, timeB] = [timesA.get(name), timesB.get(name)];
    const ratio = timeA === undefined || timeB === undefined ? undefined : timeB / timeA;
    return { name, a: timeA, b: timeB, ratio };
  });
}

/** Formats the comparison as a table for people. */
export function formatComparison(a: BenchResult, b: BenchResult): string {
  const origin = ({ host, device, version, date }: BenchResult) =>
    [`erwin ${version}`, host, device && deviceName(device), date].filter(Boolean).join(", ");
  const time = (value: number | undefined) => (value === undefined ? "-" : `${value.toFixed(2)} ms`);
  const rows = compareResults(a, b).map(({ name, a, b, ratio }) => [
    name,
    time(a),
    time(b),
    ratio === undefined ? "-" : ratio.toFixed(2),
  ]);
  return [`a: ${origin(a)}`, `b: ${origin(b)}`, "", ...formatTable([["case", "a", "b", "b / a"], ...rows])].join("\n");
}
