// The score of a device: how many times as fast as the reference device it is, as the geometric mean of four parts.

import { type Entry, type Measure, wrongDevices } from "./entry.ts";

export interface ScorePart {
  title: string;
  /** The geometric mean of the reference's time divided by this device's time, over the cases that both have. */
  ratio: number;
  cases: number;
}

export interface Score {
  ratio: number;
  parts: ScorePart[];
}

const titles = { tree: "Trees", graph: "Graphs", forward: "Forward", training: "Training" } as const;

/** Computes the score. Each case of the model counts with the machine's fastest device. Undefined if there are no common cases. */
export function scoreOf(entry: Entry, reference: Entry): Score | undefined {
  const [own, theirs] = [fastest(entry), fastest(reference)];
  const parts = (Object.keys(titles) as (keyof typeof titles)[]).flatMap((benchmark) => {
    const ratios = [...own].flatMap(([key, time]) => {
      const other = key.startsWith(`${benchmark} `) ? theirs.get(key) : undefined;
      return other === undefined ? [] : [other / time];
    });
    return ratios.length > 0 ? [{ title: titles[benchmark], ratio: geometricMean(ratios), cases: ratios.length }] : [];
  });
  return parts.length > 0 ? { ratio: geometricMean(parts.map(({ ratio }) => ratio)), parts } : undefined;
}

/** Returns the shortest time of each case; trees have one for one thread and one for all threads. */
function fastest(entry: Entry): Map<string, number> {
  const wrong = wrongDevices(entry);
  const times = new Map<string, number>();
  for (const measure of entry.measures) {
    const { time, device } = measure;
    if (!time || (device && wrong.has(device))) continue;
    const key = scoreKey(measure);
    times.set(key, Math.min(times.get(key) ?? Number.POSITIVE_INFINITY, time.median));
  }
  return times;
}

const scoreKey = ({ benchmark, clouds, points, name, threads = 1 }: Measure) =>
  benchmark === "tree" ? `tree ${clouds} x ${points}, ${threads === 1 ? "one thread" : "all threads"}` : name;

const geometricMean = (values: readonly number[]) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
