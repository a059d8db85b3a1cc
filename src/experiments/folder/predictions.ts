// Converts a model's output to fields in the file's own units, with the truth if it is known.

import { largestOf } from "../../tensor/operators/maxima.ts";
import type { PredictedField } from "../experiment.ts";
import { type FieldCloud, placeOf, repeated } from "./cloud.ts";
import { labelsOf } from "./labels.ts";
import type { Layout, TargetPlace } from "./layout.ts";
import { deviationOf } from "./losses.ts";
import type { Columns } from "./sample.ts";
import { restore } from "./statistics.ts";

/**
 * Returns the predicted targets; for a sequence, those of the next frame.
 * @param output [points, outputs]
 */
export function predictionsOf(output: Float32Array, { pair }: FieldCloud, layout: Layout): PredictedField[] {
  const isSequence = layout.state.length > 0;
  const known = isSequence ? pair.next : pair.sample;
  return layout.targets.map((place, i) => {
    const rows = placeOf(output, place.output, layout.outputs);
    const found = known?.targets[i];
    const truth = (found && place.target.whole ? repeated(found, pair.sample.points) : found)?.data;
    const field = place.target.classes === undefined ? numbersOf(place, rows) : classesOf(place, rows);
    const before = isSequence ? (pair.sample.targets[i] as Columns).data : undefined;
    const prediction = before ? field.prediction.map((change, at) => before[at] + change) : field.prediction;
    const { ignore, labels, missing } = place.target;
    return {
      ...field,
      prediction,
      ...(truth && { truth }),
      ...(before && missing && { state: before }),
      ...(ignore.length > 0 && { ignore }),
      ...(labels && { labels: labelsOf(place.target) }),
      ...(place.target.whole && { isWhole: true }),
    };
  });
}

/** Where a logit is NaN, so is the class: it would be taken for one that the model predicts. */
function classesOf({ target: { name }, output: { width } }: TargetPlace, logits: Float64Array): PredictedField {
  const prediction = Float64Array.from({ length: logits.length / width }, (_, row) => {
    const most = largestOf(logits, row * width, width);
    return Number.isNaN(logits[row * width + most]) ? Number.NaN : most;
  });
  return { name, channels: 1, isClass: true, prediction };
}

function numbersOf(
  { target: { name, loss }, scaling, width, output }: TargetPlace,
  rows: Float64Array,
): PredictedField {
  const prediction = restore(rows, { first: 0, stride: output.width }, scaling);
  if (loss !== "gaussian") return { name, channels: width, prediction };
  const raw = placeOf(rows, { first: width, width }, output.width);
  return {
    name,
    channels: width,
    prediction,
    deviation: raw.map((value, i) => deviationOf(value) * scaling.scale[i % width]),
  };
}
