// From what a model says of a sample to the data's own units.

import type { Tensor } from "../tensor/tensor.ts";

/** What was subtracted from each column, and what it was divided by. */
export interface Scaling {
  /** Default: 0 in each column. */
  mean?: readonly number[];
  deviation: readonly number[];
}

/**
 * Numbers as they were before they were standardised.
 * @param values rows of as many columns as there are deviations
 */
export function unscaled(values: Float32Array, { mean, deviation }: Scaling): Float32Array {
  const columns = deviation.length;
  return values.map((value, i) => value * deviation[i % columns] + (mean?.[i % columns] ?? 0));
}

/** Some columns of rows, [rows, end - first]. */
export function columnsOf(values: Float32Array, columns: number, first: number, end: number): Float32Array {
  const width = end - first;
  const chosen = new Float32Array((values.length / columns) * width);
  for (let i = 0; i < chosen.length; i++) chosen[i] = values[Math.floor(i / width) * columns + first + (i % width)];
  return chosen;
}

/** The numbers of a model's output, whose memory on the device is freed. */
export async function readOutput(output: Tensor): Promise<Float32Array> {
  try {
    return await output.data();
  } finally {
    output.dispose();
  }
}
