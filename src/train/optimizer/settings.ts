// The settings of AdamW: their defaults, what is allowed, and which of them hold for which parameter.

import { checkOptions, expectOption } from "../../arguments/options.ts";
import { ConfigError } from "../../errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { MAX_LOSS_SCALE } from "./loss-scale.ts";
import type { PackedParameters } from "./packing.ts";

/**
 * Settings of some parameters, such as a smaller learning rate of what is fine-tuned, or norms and biases without weight decay:
 *
 * ```ts
 * groups: [{ match: /^body\./, lrScale: 0.1 }, { match: (_, { shape }) => shape.length === 1, weightDecay: 0 }]
 * ```
 */
export interface ParameterGroup {
  /** Which parameters, by their names or what they are. */
  match: RegExp | ((name: string, parameter: Tensor) => boolean);
  /** Multiplies the learning rate, so that a schedule holds for all parameters. Default 1. */
  lrScale?: number;
  /** Default: that of the optimiser. */
  weightDecay?: number;
}

/** The optimiser's settings, with torch's defaults. */
export interface AdamWOptions {
  /** The learning rate, which `optimizer.lr` may change at any step. Default 1e-3. */
  lr?: number;
  /** Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Default 1e-8. */
  eps?: number;
  /** Decoupled weight decay: each step multiplies the weights by 1 - lr * weightDecay. Default 0.01. */
  weightDecay?: number;
  /** Other settings for some of the parameters. Where several groups match one, the later ones decide. */
  groups?: readonly ParameterGroup[];
  /**
   * Keeps an exponential moving average of the weights: average += (1 - averageDecay) (weight - average) each step. It begins with the
   * weights that the optimiser is made with; torch's AveragedModel begins with those after the first step.
   */
  averageDecay?: number;
  /**
   * How to handle a step whose loss or gradients are not finite. The step is always skipped: weights, moments and step counts do
   * not change. "error" (default): all later steps are skipped, too, and `check` throws. "skip": training continues.
   */
  onNonFinite?: "error" | "skip";
  /**
   * Multiplies gradients, so that small ones do not vanish in half precision: `await loss.backward(optimizer.lossScale)`. The step
   * divides the gradients by it again. A number from 1 to 2^126 stays as it is. "dynamic" begins with 65536; a gradient that is
   * not finite halves it, and the step is skipped, which is no error; 2000 steps in a row without one double it (the defaults of
   * torch.cuda.amp.GradScaler). `onNonFinite` still holds for a loss that is not finite, and for gradients that are not finite
   * although the scale is 1. Powers of two change no bits, as long as nothing leaves the range of float32. Default: none.
   */
  lossScale?: "dynamic" | number;
}

const optionNames: Readonly<Record<keyof AdamWOptions, true>> = {
  lr: true,
  betas: true,
  eps: true,
  weightDecay: true,
  groups: true,
  averageDecay: true,
  onNonFinite: true,
  lossScale: true,
};

/**
 * Returns the settings with their defaults.
 * @throws ConfigError naming an invalid one
 */
export function checkAdamWOptions(options: AdamWOptions) {
  checkOptions("AdamW", options, optionNames);
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
  const { averageDecay, onNonFinite = "error", lossScale, groups = [] } = options;
  const inUnit = (value: number) => typeof value === "number" && value >= 0 && value < 1;
  expectLearningRate(lr);
  const areBetas = Array.isArray(betas) && betas.length === 2 && Array.from(betas).every(inUnit);
  expectOption("betas", betas, "two numbers from 0 to below 1", areBetas);
  expectOption("eps", eps, "a number of at least 0", isAmount(eps));
  expectOption("weightDecay", weightDecay, "a number of at least 0", isAmount(weightDecay));
  expectOption("averageDecay", averageDecay, "a number from 0 to below 1", inUnit(averageDecay ?? 0));
  expectOption("onNonFinite", onNonFinite, '"error" or "skip"', ["error", "skip"].includes(onNonFinite));
  const isScale = typeof lossScale === "number" && lossScale >= 1 && lossScale <= MAX_LOSS_SCALE;
  const fitsScale = lossScale === undefined || lossScale === "dynamic" || isScale;
  expectOption("lossScale", lossScale, '"dynamic" or a number from 1 to 2^126', fitsScale);
  return { lr, betas, eps, weightDecay, averageDecay, onNonFinite, lossScale, groups };
}

/** @throws ConfigError */
export const expectLearningRate = (lr: number): void => expectOption("lr", lr, "a number of at least 0", isAmount(lr));

/**
 * Returns the settings of each parameter.
 * @throws ConfigError naming a group that is invalid or matches no parameter
 */
export function settingsOf(
  { names, tensors }: PackedParameters,
  groups: readonly ParameterGroup[],
  weightDecay: number,
) {
  expectOption("groups", groups, "a list of groups of parameters", Array.isArray(groups));
  const settings = names.map((name, p) => ({ name, tensor: tensors[p], lrScale: 1, weightDecay }));
  groups.forEach((group, i) => {
    checkOptions(`groups[${i}]`, group, { match: true, lrScale: true, weightDecay: true });
    const { match, ...given } = group;
    for (const [field, value] of Object.entries(given)) {
      expectOption(`groups[${i}].${field}`, value, "a number of at least 0", value === undefined || isAmount(value));
    }
    const fits = match instanceof RegExp ? (name: string) => name.search(match) >= 0 : match;
    expectOption(`groups[${i}].match`, match, "a RegExp or a function", typeof fits === "function");
    const found = settings.filter(({ name, tensor }) => fits(name, tensor));
    for (const setting of found) {
      setting.lrScale = given.lrScale ?? setting.lrScale;
      setting.weightDecay = given.weightDecay ?? setting.weightDecay;
    }
    if (found.length > 0) return;
    const known = names.slice(0, 8).join(", ");
    throw new ConfigError(`groups[${i}].match fits no parameter, such as ${known}: ${match}`, { field: "groups" });
  });
  return settings;
}

const isAmount = (value: unknown) => typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
