// Converts predictions to the data's own units.

import type { AbortOptions } from "../abort.ts";
import { firstNotFinite } from "../arguments/numbers.ts";
import { NumericalError } from "../errors.ts";
import type { Attribute } from "../formats/clouds/positions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { PredictedField } from "./experiment.ts";

/** The name, or its beginning, of an array of predictions in files. */
export const PREDICTION = "prediction";

/** The standardisation of each column: what was subtracted, and what it was divided by. */
export interface Scaling {
  /** Subtracted from each column; default 0. */
  mean?: readonly number[];
  deviation: readonly number[];
}

/**
 * Inverts the standardisation of values.
 * @param values rows with as many columns as there are deviations
 */
export function unscaled(values: Float32Array, { mean, deviation }: Scaling): Float32Array {
  const columns = deviation.length;
  return values.map((value, i) => value * deviation[i % columns] + (mean?.[i % columns] ?? 0));
}

/** Returns some columns of rows, [rows, end - first]. */
export function columnsOf(values: Float32Array, columns: number, first: number, end: number): Float32Array {
  const width = end - first;
  const chosen = new Float32Array((values.length / columns) * width);
  for (let i = 0; i < chosen.length; i++) chosen[i] = values[Math.floor(i / width) * columns + first + (i % width)];
  return chosen;
}

/** Reads the values of a model's output, and frees its memory on the device, also where a signal ends the wait for them. */
export async function readOutput(output: Tensor, { signal }: AbortOptions = {}): Promise<Float32Array> {
  try {
    return await output.data({ signal });
  } finally {
    output.dispose();
  }
}

/** What there is of a predicted field. */
const kinds = [PREDICTION, "deviation", "error"] as const;

const nameOf = (what: (typeof kinds)[number], field: string, fields: number) =>
  fields === 1 ? what : `${what}_${field}`;

/** Returns the names of the arrays of one of several predicted fields. */
export const namesOfArrays = (field: string, fields: number): string[] =>
  kinds.map((what) => nameOf(what, field, fields));

/**
 * Returns fields as arrays of points: `prediction` and `error` (the prediction minus the truth; for classes 1 where it is wrong,
 * not where the label is ignored),
 * and `deviation` if the model predicts it. If there are several fields, their names are appended: `prediction_pressure`.
 * @param options.truth whether to add the true values of each field under its own name (default false)
 * @param options.wholeOnce whether values of the whole are one row, and not one for each point (default false)
 */
export function predictionArrays(
  fields: readonly PredictedField[],
  options: { truth?: boolean; wholeOnce?: boolean } = {},
): Map<string, Attribute> {
  const arrays = new Map<string, Attribute>();
  for (const { name, channels, prediction, truth, deviation, isClass, isWhole, ignore, labels } of fields) {
    const put = (array: string, values: ArrayLike<number>, texts?: typeof labels) => {
      const all = Float32Array.from(values);
      // Of a model whose output is NaN there are no classes, and integers would have a 0 for each.
      const data = isClass && !all.some(Number.isNaN) ? Int32Array.from(values) : all;
      const rows = isWhole && options.wholeOnce ? data.slice(0, channels) : data;
      arrays.set(array, { data: rows, channels, ...(texts && { labels: texts }) });
    };
    /** Puts classes as files have them: numbers that stand for texts, which tables hold, or numbers in place of others. */
    const putLabelled = (array: string, values: Float32Array | Float64Array) => {
      if (!labels || typeof labels.get(0) === "string") put(array, values, labels);
      else
        put(
          array,
          values.map((value) => Number(labels.get(value) ?? value)),
        );
    };
    const named = (what: (typeof kinds)[number]) => nameOf(what, name, fields.length);
    if (truth && options.truth) putLabelled(name, truth);
    putLabelled(named(PREDICTION), prediction);
    if (deviation) put(named("deviation"), deviation);
    const isWrong = (value: number, label: number) => value !== label && !ignore?.includes(label);
    if (truth)
      put(
        named("error"),
        Array.from(prediction, (value, i) => (isClass ? Number(isWrong(value, truth[i])) : value - truth[i])),
      );
  }
  return arrays;
}

/**
 * @param values [rows, width]
 * @param what the name of the values in the message
 * @param why what the reason may be
 * @throws NumericalError that names the first element that is not finite, which would be taken for a prediction
 */
export function expectFinite(
  values: Float32Array,
  width: number,
  what: string,
  why = "features may be too large for float32, or the model's weights damaged",
): void {
  const at = firstNotFinite(values);
  if (at < 0) return;
  const [row, column] = [Math.floor(at / width), at % width];
  throw new NumericalError(
    `${what} is ${values[at]} in row ${row}, column ${column}, expected finite numbers: ${why}.`,
    { tensor: "out", row, column },
  );
}
