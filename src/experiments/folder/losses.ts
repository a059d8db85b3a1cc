// The loss that training minimises: each target's loss, on the tape; and the same computed on the host, for evaluation and for
// trivial predictors.

import { add, divide, multiply } from "../../tensor/operators/arithmetic.ts";
import { crossEntropy } from "../../tensor/operators/classes.ts";
import { scale as scaled } from "../../tensor/operators/functions.ts";
import { embeddingLookup } from "../../tensor/operators/lookup.ts";
import { gaussianNegativeLogLikelihood, MIN_DEVIATION, mse, relativeL2 } from "../../tensor/operators/losses.ts";
import { sum } from "../../tensor/operators/reductions.ts";
import { reshape } from "../../tensor/operators/reshape.ts";
import { concatenate, slice, split } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import { placeOf } from "./cloud.ts";
import type { Layout, Place, TargetPlace } from "./layout.ts";
import { placesOfKnown } from "./missing.ts";
import { restore, type Scaling } from "./statistics.ts";

/**
 * Returns the mean of the targets' losses, weighted, on the tape.
 * @param output [N, outputs]
 * @param truth [N, truths] NaN where a value is missing, which then has no part in the loss
 * @param offsets [clouds + 1] the first row of each cloud, then N
 */
export function fieldLoss(
  output: Tensor,
  truth: Float32Array,
  offsets: Int32Array,
  { targets, truths }: Layout,
): Tensor {
  const all = weightOf(targets);
  return scope(() => {
    const truthRows = Tensor.from(output.device, truth, [output.shape[0] as number, truths]);
    const parts = targets.map((place) => {
      const [given, wanted] = [columnsAt(output, place.output), columnsAt(truthRows, place.truth)];
      const known = knownPlaces(place, placeOf(truth, place.truth, truths), offsets);
      // Values of the whole are the same in all rows of a cloud. One row of each stands for it, however many points it has.
      const loss = place.target.whole
        ? knownLoss(place, firstOfEach(given, offsets), firstOfEach(wanted, offsets), oneOfEach(offsets), known)
        : knownLoss(place, given, wanted, offsets, known);
      const share = place.target.weight / all;
      return share === 1 ? loss : scaled(loss, share);
    });
    return parts.reduce((sum, part) => add(sum, part));
  });
}

const weightOf = (targets: readonly TargetPlace[]) => targets.reduce((sum, { target }) => sum + target.weight, 0);

const columnsAt = (rows: Tensor, { first, width }: Place) =>
  width === rows.shape[1] ? rows : slice(rows, 1, first, first + width);

const firstOfEach = (rows: Tensor, offsets: Int32Array) => embeddingLookup(rows, offsets.subarray(0, -1));

/** Returns the offsets of clouds of one row each. */
const oneOfEach = (offsets: Int32Array) => offsets.map((_, cloud) => cloud);

/**
 * Returns which elements of a target's rows are not missing, of one row for each cloud if it is of the whole; undefined if none is.
 * @param truth [N, width]
 */
function knownPlaces({ target, width }: TargetPlace, truth: Float64Array, offsets: Int32Array): Int32Array | undefined {
  if (!target.missing) return undefined;
  if (!target.whole) return placesOfKnown(truth);
  const rows = Array.from(offsets.subarray(0, -1), (row) => [...truth.subarray(row * width, (row + 1) * width)]);
  return placesOfKnown(rows.flat());
}

/** Returns the loss of the elements that are not missing; 0 if all are. */
function knownLoss(
  place: TargetPlace,
  output: Tensor,
  truth: Tensor,
  offsets: Int32Array,
  known: Int32Array | undefined,
): Tensor {
  if (!known) return targetLoss(place, output, truth, offsets);
  if (known.length === 0) return scaled(sum(output), 0);
  const { target, width, scaling } = place;
  // The elements are made rows of their own, so that the others are not in the computation at all.
  const chosen = (rows: Tensor) => embeddingLookup(reshape(rows, [(rows.shape[0] as number) * width, 1]), known);
  if (target.loss === "gaussian") {
    return gaussianNegativeLogLikelihood(concatenate(split(output, 2, 1).map(chosen), 1), chosen(truth));
  }
  if (target.loss === "mse") return mse(chosen(output), chosen(truth));
  const starts = startsAmong(known, offsets, width);
  return relativeL2(chosen(unscaled(output, scaling)), chosen(unscaled(truth, scaling)), starts);
}

/** Returns the offsets of the known elements of each cloud that has some. */
function startsAmong(known: Int32Array, offsets: Int32Array, width: number): Int32Array {
  const starts = [0];
  let at = 0;
  for (const end of offsets.subarray(1)) {
    while (at < known.length && known[at] < end * width) at++;
    if (at > (starts.at(-1) as number)) starts.push(at);
  }
  return Int32Array.from(starts);
}

function targetLoss(place: TargetPlace, output: Tensor, truth: Tensor, offsets: Int32Array): Tensor {
  const { target, scaling, classWeights } = place;
  if (target.loss === "cross_entropy") {
    return classWeights ? weightedCrossEntropy(output, truth, classWeights) : crossEntropy(output, truth);
  }
  if (target.loss === "gaussian") return gaussianNegativeLogLikelihood(output, truth);
  if (target.loss === "mse") return mse(output, truth);
  // The error is relative to the values of the file, which include the mean.
  return relativeL2(unscaled(output, scaling), unscaled(truth, scaling), offsets);
}

/**
 * The mean over the rows that count, weighted by their classes, as in torch.nn.functional.cross_entropy with class numbers, `weight`
 * and `ignore_index`; 0 if none counts.
 * @param truth [n, classes] 1 for the row's class; all 0 for a row that does not count
 */
function weightedCrossEntropy(output: Tensor, truth: Tensor, classWeights: readonly number[]): Tensor {
  const weight = Float32Array.from(classWeights);
  const all = sum(multiply(truth, Tensor.from(output.device, weight, [weight.length])));
  const rows = output.shape[0] as number;
  // The number is less than any weight, and keeps from a division by zero.
  return divide(scaled(crossEntropy(output, truth, { weight }), rows), add(all, 1e-30));
}

function unscaled(rows: Tensor, { shift, scale }: Scaling): Tensor {
  const row = (values: readonly number[]) => Tensor.from(rows.device, Float32Array.from(values), [values.length]);
  return add(multiply(rows, row(scale)), row(shift));
}

/**
 * Returns the loss of one sample, computed on the host.
 * @param output [points, outputs]
 * @param truth [points, truths]
 */
export function lossOnHost(output: ArrayLike<number>, truth: ArrayLike<number>, layout: Layout): number {
  const total = layout.targets.reduce((losses, place) => {
    const given = placeOf(output, place.output, layout.outputs);
    return losses + place.target.weight * lossOfTarget(place, given, placeOf(truth, place.truth, layout.truths));
  }, 0);
  return total / weightOf(layout.targets);
}

function lossOfTarget(
  { target, scaling, truth: { width }, classWeights }: TargetPlace,
  output: Float64Array,
  truth: Float64Array,
): number {
  const known = target.missing && placesOfKnown(truth);
  if (known?.length === 0) return 0;
  const sumOf = (term: (i: number) => number) =>
    known ? known.reduce((sum, i) => sum + term(i), 0) : truth.reduce((sum, _, i) => sum + term(i), 0);
  const meanOf = (term: (i: number) => number) => sumOf(term) / (known ?? truth).length;
  if (target.loss === "mse") return meanOf((i) => (output[i] - truth[i]) ** 2);
  if (target.loss === "gaussian") {
    return meanOf((i) => {
      const row = Math.floor(i / width);
      const centre = output[row * 2 * width + (i % width)];
      const deviation = deviationOf(output[row * 2 * width + width + (i % width)]);
      return 0.5 * ((truth[i] - centre) / deviation) ** 2 + Math.log(deviation) + 0.5 * Math.log(2 * Math.PI);
    });
  }
  if (target.loss === "cross_entropy") return crossEntropyOf(output, truth, width, classWeights);
  const [given, wanted] = [output, truth].map((rows) => restore(rows, { first: 0, stride: width }, scaling));
  return Math.sqrt(sumOf((i) => (given[i] - wanted[i]) ** 2) / sumOf((i) => wanted[i] ** 2));
}

/** Returns the deviation that `gaussianNegativeLogLikelihood` computes from an element of the second half of its columns. */
export const deviationOf = (raw: number): number =>
  MIN_DEVIATION + Math.max(raw, 0) + Math.log1p(Math.exp(-Math.abs(raw)));

/** Computes `weightedCrossEntropy`; without weights all classes count the same. */
function crossEntropyOf(
  logits: Float64Array,
  truth: Float64Array,
  classes: number,
  weights: readonly number[] | undefined,
): number {
  let [total, all] = [0, 0];
  for (let first = 0; first < logits.length; first += classes) {
    const row = logits.subarray(first, first + classes);
    const most = Math.max(...row);
    const logSum = most + Math.log(row.reduce((exponentials, value) => exponentials + Math.exp(value - most), 0));
    for (let k = 0; k < classes; k++) {
      const share = truth[first + k] * (weights?.[k] ?? 1);
      total += share * (logSum - row[k]);
      all += share;
    }
  }
  return all > 0 ? total / all : 0;
}
