// The error of a step whose loss or gradients are not finite.

import { NumericalError } from "../../errors.ts";

export interface NonFinite {
  /** "loss", or the name of the parameter that has the gradient. */
  tensor: string;
  /** The gradients' scale where the caller chose a number; a dynamic one is lowered before this is an error. */
  lossScale?: number;
}

/**
 * @param step the step in words
 * @param place the step as the error's details name it
 * @param cause an error of which this one says more
 */
export function nonFiniteError(
  { tensor, lossScale }: NonFinite,
  step: string,
  place: { step: number } | { call: number },
  cause?: Error,
): NumericalError {
  const isLoss = tensor === "loss";
  const what = isLoss ? "the loss" : `the gradient of ${tensor}`;
  const scale = isLoss || lossScale === undefined ? "" : `Take a loss scale below ${lossScale} or a "dynamic" one, `;
  const advice = "lower the learning rate, clip the gradients (maxNorm), or skip such steps";
  const sentence = scale ? scale + advice : advice[0].toUpperCase() + advice.slice(1);
  return new NumericalError(
    `${what} is not finite at ${step}: the weights are as they were before it. ${sentence} (onNonFinite: "skip")`,
    { tensor, ...place, ...(lossScale !== undefined && { lossScale }) },
    cause && { cause },
  );
}
