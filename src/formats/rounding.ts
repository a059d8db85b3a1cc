// float32 rounds values that are far from zero, such as the coordinates of maps, to a coarse grid.

/** The number of steps in a cloud's widest side below which its coordinates count as coarse. */
const COARSE = 4096;
/** The number of steps in the widest range of a column below which numbers are kept in float64: 16 million are in a range from zero. */
const FINE = 2 ** 18;

/** Returns the distance between the numbers of float32 around a value other than 0. */
export const float32StepAt = (value: number): number => 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23);

/**
 * Returns the widest range of a column, and the step between the numbers of float32 around the value that is farthest from zero.
 * @param values [rows, columns]; what is not finite is passed over
 */
function extentOf(values: Float32Array | Float64Array, columns: number): { widest: number; step: number } {
  const low = new Array<number>(columns).fill(Number.POSITIVE_INFINITY);
  const high = new Array<number>(columns).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    const column = i % columns;
    low[column] = Math.min(low[column], values[i]);
    high[column] = Math.max(high[column], values[i]);
  }
  const widest = Math.max(...low.map((least, column) => high[column] - least));
  const step = float32StepAt(Math.max(...low.map(Math.abs), ...high.map(Math.abs)));
  return { widest, step };
}

/** Numbers in float32 and, where that rounds them and they are far from zero for their range, in float64 too. */
export interface Rounded {
  data: Float32Array;
  exact?: Float64Array;
}

/** @param values [rows, columns] */
export function roundedNumbers(values: Float64Array, columns: number): Rounded {
  const data = new Float32Array(values);
  if (data.every((value, i) => value === values[i] || Number.isNaN(value))) return { data };
  // Where a column is the same in all rows, such as the energy of all atoms, other samples may have other values.
  const { widest, step } = extentOf(values, columns);
  return step > widest / FINE ? { data, exact: values } : { data };
}

/**
 * Returns what is to be written: the exact numbers, unless a program has changed the rounded ones since, or taken some out.
 * @param exact what `PointCloud.exact` is of positions
 */
export function exactOf<Data extends Float32Array | Int32Array>(data: Data, exact?: Float64Array): Data | Float64Array {
  const isSame = (value: number, i: number) => Object.is(Math.fround(exact?.[i] as number), value);
  return exact?.length === data.length && data.every(isSame) ? exact : data;
}

/**
 * Returns a remark if the steps in which float32 holds coordinates are coarse for the size of the cloud.
 * @param positions [points, dimensionality]
 */
export function noteOnRounding(positions: Float32Array, dimensionality: number): string | undefined {
  const { widest, step } = extentOf(positions, dimensionality);
  if (!(widest > 0 && step > widest / COARSE)) return undefined;
  return `the coordinates are so far from zero that float32 rounds them to steps of ${step}: subtract a constant from them`;
}
