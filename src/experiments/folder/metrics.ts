// Measures predictions against the truth, field by field and in the file's units.

import { largestOf } from "../../tensor/operators/maxima.ts";
import type { Metrics } from "../../train/evaluate.ts";
import { placeOf } from "./cloud.ts";
import type { Target } from "./config.ts";
import type { Layout, TargetPlace } from "./layout.ts";
import { lossOnHost } from "./losses.ts";
import { restore } from "./statistics.ts";

/**
 * Measures one sample. The means of these values over the samples determine everything that `summarise` returns.
 * @param output [points, outputs]
 * @param truth [points, truths]
 */
export function measure(output: ArrayLike<number>, truth: ArrayLike<number>, layout: Layout): Metrics {
  const found: Metrics = { loss: lossOnHost(output, truth, layout) };
  for (const place of layout.targets) {
    const given = placeOf(output, place.output, layout.outputs);
    const wanted = placeOf(truth, place.truth, layout.truths);
    Object.assign(
      found,
      place.target.classes === undefined ? ofNumbers(place, given, wanted) : ofClasses(place, given, wanted),
    );
  }
  return found;
}

/** The relative error of float32, in which normalised truth is kept: a zero comes back from it as a number near zero. */
const FLOAT32_ERROR = 2 ** -23;

/** Truth is constant if the mean of its squared distances to the mean is no larger than this part of that of its squares. */
const CONSTANT = (4 * FLOAT32_ERROR) ** 2;

/** Sums are in units of the deviations, which is more exact: the mean of a pressure may be a thousand times its deviation. */
function ofNumbers(
  { target: { name }, output, scaling, width }: TargetPlace,
  given: Float64Array,
  wanted: Float64Array,
): Metrics {
  const predicted = restore(given, { first: 0, stride: output.width }, scaling);
  const truth = restore(wanted, { first: 0, stride: width }, scaling);
  let [known, absolute, squares, size, rounding] = [0, 0, 0, 0, 0];
  for (let i = 0; i < truth.length; i++) {
    if (Number.isNaN(truth[i])) continue;
    known++;
    const error = predicted[i] - truth[i];
    absolute += Math.abs(error);
    squares += error * error;
    size += truth[i] * truth[i];
    rounding += (wanted[i] * scaling.scale[i % width] * FLOAT32_ERROR) ** 2;
  }
  // A sample of which all is missing has no share in the means.
  const meanOf = (sum: number) => (known > 0 ? sum / known : 0);
  const found: Metrics = {
    [`${name}.counted`]: known > 0 ? 1 : 0,
    [`mae_${name}`]: meanOf(absolute),
    [`rmse_${name}`]: meanOf(squares),
    // Where the truth is zero everywhere, nothing is relative to it: such samples do not count.
    [`relative_l2_${name}`]: size > rounding ? Math.sqrt(squares / size) : 0,
    [`${name}.relative`]: size > rounding ? 1 : 0,
  };
  for (let column = 0; column < width; column++) {
    // Sums of the differences from the first value: those of a constant are 0, however many there are.
    let [count, first, sum, square] = [0, 0, 0, 0];
    for (let i = column; i < wanted.length; i += width) {
      if (Number.isNaN(wanted[i])) continue;
      if (count === 0) first = wanted[i];
      count++;
      sum += wanted[i] - first;
      square += (wanted[i] - first) ** 2;
    }
    found[`${name}.share.${column}`] = meanOf(count);
    found[`${name}.sum.${column}`] = meanOf(count * first + sum);
    found[`${name}.square.${column}`] = meanOf(count * first * first + 2 * first * sum + square);
  }
  return found;
}

function ofClasses(
  { target: { name }, truth: { width } }: TargetPlace,
  given: Float64Array,
  wanted: Float64Array,
): Metrics {
  const [both, either] = [new Float64Array(width), new Float64Array(width)];
  let [right, rows] = [0, 0];
  for (let first = 0; first < wanted.length; first += width) {
    const truth = largestOf(wanted, first, width);
    // The label does not count.
    if (wanted[first + truth] === 0) continue;
    rows++;
    const guess = largestOf(given, first, width);
    if (guess === truth) {
      right++;
      both[guess]++;
      either[guess]++;
    } else {
      either[guess]++;
      either[truth]++;
    }
  }
  // A sample without labels that count has no share in the means.
  const share = rows > 0 ? 1 / rows : 0;
  const found: Metrics = { [`accuracy_${name}`]: right * share, [`${name}.counted`]: rows > 0 ? 1 : 0 };
  for (let k = 0; k < width; k++) {
    found[`${name}.both.${k}`] = both[k] * share;
    found[`${name}.either.${k}`] = either[k] * share;
  }
  return found;
}

/**
 * Returns the metrics. For numeric fields: mean absolute error, root mean square error, the mean of the samples' relative L2 errors
 * (without samples whose truth is zero everywhere),
 * and R2 (of all components together, by their variance). For classes: the accuracy, the IoU of each class, and the mean IoU of
 * those that occur.
 * @param numbers the result of `measure` for a sample, or its mean over samples
 */
export function summarise(numbers: Metrics, { targets }: Layout): Metrics {
  const found: Metrics = { loss: numbers.loss };
  for (const place of targets) {
    const ofClass = place.target.classes !== undefined;
    Object.assign(found, ofClass ? summariseClasses(place.target, numbers) : summariseNumbers(place, numbers));
  }
  return found;
}

function summariseNumbers({ target: { name }, scaling: { scale } }: TargetPlace, numbers: Metrics): Metrics {
  const counted = numbers[`${name}.counted`];
  if (counted === 0) return {};
  const squares = numbers[`rmse_${name}`];
  const relative = numbers[`${name}.relative`];
  // The squared distances to each component's mean, weighted as those to the prediction are.
  const spread = scale.reduce((total, unit, column) => {
    const [share, sum, square] = ["share", "sum", "square"].map((what) => numbers[`${name}.${what}.${column}`]);
    const apart = share > 0 ? square - (sum * sum) / share : 0;
    // What a difference of sums has of a constant is their rounding.
    return apart > square * CONSTANT ? total + apart * unit * unit : total;
  }, 0);
  return {
    [`mae_${name}`]: numbers[`mae_${name}`] / counted,
    [`rmse_${name}`]: Math.sqrt(squares / counted),
    ...(relative > 0 && { [`relative_l2_${name}`]: numbers[`relative_l2_${name}`] / relative }),
    // R2 is undefined if the truth is constant.
    ...(spread > 0 && { [`r2_${name}`]: 1 - squares / spread }),
  };
}

function summariseClasses({ name, classes = 0, labels }: Target, numbers: Metrics): Metrics {
  const counted = numbers[`${name}.counted`];
  if (counted === 0) return {};
  const found: Metrics = { [`accuracy_${name}`]: numbers[`accuracy_${name}`] / counted };
  const each: number[] = [];
  for (let k = 0; k < classes; k++) {
    const [both, either] = [numbers[`${name}.both.${k}`], numbers[`${name}.either.${k}`]];
    if (either === 0) continue;
    each.push(both / either);
    found[`iou_${name}_${labels?.[k] ?? k}`] = both / either;
  }
  found[`iou_${name}`] = each.reduce((sum, value) => sum + value, 0) / each.length;
  return found;
}
