// Smooths a noisy curve.

/** The share of the smoothed value that is kept from one point to the next. */
const INERTIA = 0.9;

/** Returns the exponential moving average with bias correction, so that its first values are not drawn towards zero. */
export function smooth(values: readonly number[]): number[] {
  let average = 0;
  let weight = 0;
  return values.map((value) => {
    average = INERTIA * average + (1 - INERTIA) * value;
    weight = INERTIA * weight + (1 - INERTIA);
    return average / weight;
  });
}
