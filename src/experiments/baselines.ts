// Losses of predictors that take no learning.

import { Random } from "../random.ts";
import type { DataSet } from "../train/task.ts";

/** Samples that a baseline looks at: enough for two digits, and quickly read. */
const MOST = 256;

/** At most so many samples of a data set, evenly spread over it, as they come without augmentation. */
export async function spread<Sample>(data: DataSet<Sample>, most = MOST): Promise<Sample[]> {
  const count = Math.min(most, data.size);
  const samples: Sample[] = [];
  for (let i = 0; i < count; i++) {
    const index = Math.floor(((i + 0.5) * data.size) / count);
    samples.push(await data.load(index, new Random(0, `baseline, sample ${index}`)));
  }
  return samples;
}

/** The mean over samples of what a loss is for each. */
export function meanOver<Sample>(samples: readonly Sample[], loss: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + loss(sample), 0) / samples.length;
}

/** The mean of all numbers of all samples. */
export function meanOf(samples: readonly Float32Array[]): number {
  const count = samples.reduce((sum, { length }) => sum + length, 0);
  return samples.reduce((sum, values) => values.reduce((total, value) => total + value, sum), 0) / count;
}

/**
 * The Gaussian negative log likelihood of residuals, by the mean and deviation that other residuals have in each column.
 * @param samples of each, rows of `columns` numbers
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
