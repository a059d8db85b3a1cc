// float32 rounds values that are far from zero, such as the coordinates of maps, to a coarse grid.

/** The number of steps in a cloud's widest side below which its coordinates count as coarse. */
const COARSE = 4096;

/** Returns the distance between the numbers of float32 around a value other than 0. */
export const float32StepAt = (value: number): number => 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23);

/**
 * Returns a remark if the steps in which float32 holds coordinates are coarse for the size of the cloud.
 * @param positions [points, dimensionality]
 */
export function noteOnRounding(positions: Float32Array, dimensionality: number): string | undefined {
  const low = new Array<number>(dimensionality).fill(Number.POSITIVE_INFINITY);
  const high = new Array<number>(dimensionality).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < positions.length; i++) {
    const axis = i % dimensionality;
    low[axis] = Math.min(low[axis], positions[i]);
    high[axis] = Math.max(high[axis], positions[i]);
  }
  const widest = Math.max(...low.map((least, axis) => high[axis] - least));
  const step = float32StepAt(Math.max(...low.map(Math.abs), ...high.map(Math.abs)));
  if (!(widest > 0 && step > widest / COARSE)) return undefined;
  return `the coordinates are so far from zero that float32 rounds them to steps of ${step}: subtract a constant from them`;
}
