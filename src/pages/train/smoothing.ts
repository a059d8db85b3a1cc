// Smooths a noisy curve.

/**
 * The exponential moving average, debiased: its first values are not drawn towards zero.
 * @param inertia the share of the smoothed value that remains from one point to the next, from 0 to below 1
 */
export function smooth(values: readonly number[], inertia: number): number[] {
  let average = 0;
  let weight = 0;
  return values.map((value) => {
    average = inertia * average + (1 - inertia) * value;
    weight = inertia * weight + (1 - inertia);
    return average / weight;
  });
}
