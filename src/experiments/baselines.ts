// Losses of trivial predictors, which need no training.

import { Random } from "../random.ts";
import type { Metrics } from "../train/evaluate.ts";
import type { DataSet } from "../train/task.ts";

/** The largest number of samples for a baseline: enough for two digits, and quick to read. */
const MAX_SAMPLES = 256;

/** Loads at most `MAX_SAMPLES` samples of a data set, evenly spread over it and without augmentation. */
export const spread = <Sample>(data: DataSet<Sample>): Promise<Sample[]> => spreadOf(data, (sample) => sample);

/** Calls `find` with each of these samples, of which it keeps no more than one in memory. */
export async function spreadOf<Sample, Found>(
  data: DataSet<Sample>,
  find: (sample: Sample) => Found,
  most = MAX_SAMPLES,
): Promise<Found[]> {
  const count = Math.min(most, data.size);
  const found: Found[] = [];
  for (let i = 0; i < count; i++) {
    const index = Math.floor(((i + 0.5) * data.size) / count);
    found.push(find(await data.load(index, new Random(0, `baseline, sample ${index}`))));
  }
  return found;
}

/** Returns the mean of a loss over samples. */
export function meanOver<Sample>(samples: readonly Sample[], loss: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + loss(sample), 0) / samples.length;
}

/** Returns the mean over samples of each of their numbers, by name. */
export function meanOfEach<Numbers extends Metrics>(samples: readonly Numbers[]): Numbers {
  const means = Object.keys(samples[0]).map((name) => [name, meanOver(samples, (numbers) => numbers[name])]);
  return Object.fromEntries(means) as Numbers;
}

/** Returns the mean of curves at each of their steps, over those that have a value there. */
export function meanCurve(curves: readonly (readonly (number | undefined)[])[]): number[] {
  const longest = Math.max(...curves.map(({ length }) => length));
  return Array.from({ length: longest }, (_, step) =>
    meanOver(
      curves.filter((curve) => curve[step] !== undefined),
      (curve) => curve[step] as number,
    ),
  );
}

/** Returns the mean of all elements of all samples. */
export function meanOf(samples: readonly Float32Array[]): number {
  const count = samples.reduce((sum, { length }) => sum + length, 0);
  return samples.reduce((sum, values) => values.reduce((total, value) => total + value, sum), 0) / count;
}

/**
 * Returns the Gaussian negative log likelihood of residuals, with the mean and the deviation of other residuals for each column.
 * @param samples rows of `columns` elements for each sample
 */
export function gaussianLoss(
  samples: readonly Float32Array[],
  known: readonly Float32Array[],
  columns: number,
): number {
  const fits = Array.from({ length: columns }, (_, column) => {
    const values = known.map((sample) => sample.filter((_, i) => i % columns === column));
    const mean = meanOf(values);
    return { mean, variance: meanOf(values.map((sample) => sample.map((value) => (value - mean) ** 2))) };
  });
  return meanOver(samples, (sample) => {
    const terms = sample.map((value, i) => {
      const { mean, variance } = fits[i % columns];
      return 0.5 * ((value - mean) ** 2 / variance + Math.log(2 * Math.PI * variance));
    });
    return meanOf([terms]);
  });
}
