// A linear map.

import { InputError } from "../errors.ts";
import { type LinearExtras, linear } from "../tensor/operators/linear.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { type Initializer, normal, type Parameter, uniform, zeros } from "./parameter.ts";

export interface LinearOptions {
  /** Whether there is a bias. Default true. */
  bias?: boolean;
  /** Default: uniform between -1 / sqrt(inputs) and 1 / sqrt(inputs), as in PyTorch. */
  weightInitializer?: Initializer;
  /** Default: that of the weights. */
  biasInitializer?: Initializer;
}

/**
 * The initial values of the linear maps inside Erwin: weights with deviation 0.02, no bias. Truncation at 2 would
 * change none.
 */
export const erwinLinear: LinearOptions = { weightInitializer: normal(0, 0.02), biasInitializer: zeros };

/** y = x W^T + b: [n, inputs] -> [n, outputs]. Parameters `weight` [outputs, inputs], `bias` [outputs]. */
export class Linear extends Module {
  readonly #weight: Parameter;
  readonly #bias: Parameter | undefined;

  /** @throws ConfigError for a number of inputs or outputs that is not whole or less than 1 */
  constructor(
    readonly inputs: number,
    readonly outputs: number,
    options: LinearOptions = {},
  ) {
    super();
    const { bias = true, weightInitializer = uniform(1 / Math.sqrt(inputs)) } = options;
    const { biasInitializer = weightInitializer } = options;
    this.#weight = this.parameter("weight", [outputs, inputs], weightInitializer);
    this.#bias = bias ? this.parameter("bias", [outputs], biasInitializer) : undefined;
  }

  get weight(): Tensor {
    return this.#weight.tensor;
  }

  /** @throws InputError if it was built without a bias */
  get bias(): Tensor {
    if (this.#bias) return this.#bias.tensor;
    throw new InputError("this linear map was built without a bias");
  }

  get hasBias(): boolean {
    return this.#bias !== undefined;
  }

  /**
   * x [n, inputs] -> [n, outputs].
   * @param extras what may be added in the same kernel; with `second`, the inputs are divided between x and it
   */
  forward(x: Tensor, extras: Omit<LinearExtras, "bias"> = {}): Tensor {
    return linear(x, this.weight, { ...extras, bias: this.#bias?.tensor });
  }
}
