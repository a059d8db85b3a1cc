// Losses: scalars, of shape [], on the device.

import type { Indices } from "../../arguments/indices.ts";
import { expectKind } from "../../arguments/kinds.ts";
import { type Numbers, sizeOf, toNumbers } from "../../arguments/numbers.ts";
import { InputError } from "../../errors.ts";
import { expectSameDevice, expectShape, expectTensor, matrixShape } from "../shapes.ts";
import { scope, Tensor } from "../tensor.ts";
import { add, divide, minimum, multiply, subtract } from "./arithmetic.ts";
import { abs, affine, log, scale, softplus, sqrt, square } from "./functions.ts";
import { cloudSums, startsOf } from "./groups.ts";
import { mean, sum } from "./reductions.ts";
import { reshape } from "./reshape.ts";
import { split } from "./sections.ts";

/** The smallest standard deviation. */
export const MIN_DEVIATION = 1e-6;

/** What a prediction is compared with: a tensor of its shape, or as many numbers in an array. */
export type Target = Tensor | Numbers;

/** @throws InputError if the target does not match the shape. */
export function targetOf(prediction: Tensor, target: Target, shape: readonly number[]): Tensor {
  if (target instanceof Tensor) {
    expectShape("target", target, shape);
    expectSameDevice({ prediction, target });
    return target;
  }
  const { data, shape: nested } = toNumbers("target", target);
  const flat = nested.length === 1 && data.length === sizeOf(shape);
  const tensor = Tensor.from(prediction.device, data, flat ? shape : nested);
  expectShape("target", tensor, shape);
  return tensor;
}

/**
 * The mean over all elements of (prediction - target)^2.
 * @throws InputError if the shapes differ.
 */
export function mse(prediction: Tensor, target: Target): Tensor {
  expectTensor("prediction", prediction);
  return scope(() => mean(square(subtract(prediction, targetOf(prediction, target, prediction.shape)))));
}

/**
 * The mean over all elements of |prediction - target|.
 * @throws InputError if the shapes differ.
 */
export function l1(prediction: Tensor, target: Target): Tensor {
  return scope(() => mean(distances(prediction, target)));
}

/**
 * The mean over all elements of the Huber loss of e = |prediction - target|:
 *
 *     e^2 / 2                      where e <= delta
 *     delta (e - delta / 2)        elsewhere
 *
 * With delta = 1, the default, this is torch's smooth_l1_loss; that with another `beta` is huber(..., beta) / beta.
 * @throws InputError if the shapes differ, or delta is not above 0.
 */
export function huber(prediction: Tensor, target: Target, delta = 1): Tensor {
  expectKind("delta", delta, "a number above 0", typeof delta === "number" && delta > 0);
  return scope(() => {
    const error = distances(prediction, target);
    const near = minimum(error, delta);
    return mean(multiply(near, subtract(error, scale(near, 0.5))));
  });
}

function distances(prediction: Tensor, target: Target): Tensor {
  expectTensor("prediction", prediction);
  return abs(subtract(prediction, targetOf(prediction, target, prediction.shape)));
}

/**
 * The mean over all elements of the target of -log N(target; m, s), the density of the normal distribution:
 *
 *     (target - m)^2 / (2 s^2) + log s + log(2 pi) / 2,    s = 1e-6 + softplus(raw)
 *
 * @param prediction [n, 2 d]: m, then raw
 * @param target [n, d]
 * @throws InputError if the shapes do not match.
 */
export function gaussianNegativeLogLikelihood(prediction: Tensor, target: Target): Tensor {
  return scope(() => {
    const wanted = target instanceof Tensor ? target : targetOf(prediction, target, halfOf(prediction));
    const [rows, width] = matrixShape("target", wanted);
    expectShape("prediction", prediction, [rows, 2 * width]);
    const [centre, raw] = split(prediction, 2, 1) as [Tensor, Tensor];
    const deviation = add(softplus(raw), MIN_DEVIATION);
    const distance = divide(subtract(wanted, centre), deviation);
    const terms = add(scale(square(distance), 0.5), log(deviation));
    return affine(mean(terms), 1, Math.log(2 * Math.PI) / 2);
  });
}

/** Returns the shape of a target whose mean and deviation are predicted. */
function halfOf(prediction: Tensor): number[] {
  const [rows, width] = matrixShape("prediction", prediction);
  return [rows, Math.floor(width / 2)];
}

/**
 * The mean over the clouds of ||prediction - target|| / ||target||, where the norm is taken over all of a cloud's
 * elements (Li et al. 2021, Fourier Neural Operator). A target that is zero everywhere makes it infinite.
 * @param offsets [clouds + 1] the first row of each cloud, then n. Default: the clouds of a model's output, otherwise one cloud
 * @throws InputError if the shapes differ, or the offsets do not divide the rows.
 */
export function relativeL2(prediction: Tensor, target: Target, offsets?: Indices): Tensor {
  expectTensor("prediction", prediction);
  const [rows, ...row] = prediction.shape;
  if (rows === undefined) throw new InputError("a scalar has no rows", { found: [] });
  return scope(() => {
    const starts = startsOf(prediction, rows, offsets);
    const norms = (x: Tensor) => sqrt(cloudSums(sum(reshape(square(x), [rows, sizeOf(row), 1]), 1), starts));
    const wanted = targetOf(prediction, target, prediction.shape);
    return mean(divide(norms(subtract(prediction, wanted)), norms(wanted)));
  });
}
