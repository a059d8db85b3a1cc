// A model's output as arrays in the file's own units, by name, with their errors where the truth is known.

import type { SafeTensorInput } from "../../formats/elements.ts";
import { type FieldCloud, placeOf } from "./cloud.ts";
import type { Layout, TargetPlace } from "./layout.ts";
import { deviationOf } from "./losses.ts";
import { largest } from "./metrics.ts";
import type { Columns } from "./sample.ts";
import { restore } from "./statistics.ts";

/**
 * `prediction_NAME` and, where the file has the truth, `error_NAME`, which is the prediction minus the truth; of classes 1 where it is
 * wrong, else 0. A Gaussian's `deviation_NAME` too. Of a sequence the prediction is of the next frame.
 * @param output [points, outputs]
 */
export function predictionsOf(output: Float32Array, cloud: FieldCloud, layout: Layout): Map<string, SafeTensorInput> {
  const found = new Map<string, SafeTensorInput>();
  const { sample, next } = cloud.pair;
  const known = layout.state.length > 0 ? next : sample;
  for (const [i, place] of layout.targets.entries()) {
    const rows = placeOf(output, place.output, layout.outputs);
    const { name, classes } = place.target;
    const truth = known?.targets[i];
    if (classes !== undefined) putClasses(found, name, rows, { classes, truth });
    else putNumbers(found, place, rows, { before: layout.state.length > 0 ? sample.targets[i] : undefined, truth });
  }
  return found;
}

function putClasses(
  found: Map<string, SafeTensorInput>,
  name: string,
  logits: Float64Array,
  { classes, truth }: { classes: number; truth: Columns | undefined },
): void {
  const shape = [logits.length / classes];
  const data = Int32Array.from({ length: shape[0] }, (_, row) => largest(logits, row * classes, classes));
  found.set(`prediction_${name}`, { shape, data });
  if (truth) found.set(`error_${name}`, { shape, data: data.map((guess, row) => Number(guess !== truth.data[row])) });
}

function putNumbers(
  found: Map<string, SafeTensorInput>,
  { target: { name, loss }, scaling, width, output }: TargetPlace,
  rows: Float64Array,
  { before, truth }: { before: Columns | undefined; truth: Columns | undefined },
): void {
  const points = rows.length / output.width;
  const shape = width === 1 ? [points] : [points, width];
  const values = restore(rows, { first: 0, stride: output.width }, scaling);
  if (before) for (let i = 0; i < values.length; i++) values[i] += before.data[i];
  found.set(`prediction_${name}`, { shape, data: Float32Array.from(values) });
  if (loss === "gaussian") {
    const deviations = placeOf(rows, { first: width, width }, output.width);
    const data = Float32Array.from(deviations, (raw, i) => deviationOf(raw) * scaling.scale[i % width]);
    found.set(`deviation_${name}`, { shape, data });
  }
  if (truth)
    found.set(`error_${name}`, { shape, data: Float32Array.from(values, (value, i) => value - truth.data[i]) });
}
