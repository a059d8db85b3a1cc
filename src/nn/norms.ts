// Normalisation layers.

import { add, divide, multiply } from "../tensor/operators/arithmetic.ts";
import { sqrt, square } from "../tensor/operators/functions.ts";
import type { LinearExtras } from "../tensor/operators/linear.ts";
import {
  batchNorm,
  layerNorm,
  linearBatchNorm,
  linearLayerNorm,
  type RunningStatistics,
} from "../tensor/operators/norms.ts";
import { mean } from "../tensor/operators/reductions.ts";
import { reshape } from "../tensor/operators/reshape.ts";
import { scope, Tensor } from "../tensor/tensor.ts";
import type { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { type Counter, ones, type Parameter, zeros } from "./parameter.ts";

/** The machine epsilon of float32, PyTorch's default. */
const RMS_EPSILON = 2 ** -23;

/**
 * y = x / sqrt(mean(x^2) + eps) * weight over the channels, eps = 2^-23: [n, width] -> [n, width]. Parameter `weight`
 * [width]. Erwin's blocks use only its weight and compute the norm together with the linear map that follows.
 */
export class RMSNorm extends Module {
  readonly #weight: Parameter;

  /** @throws ConfigError for a width that is not whole or less than 1 */
  constructor(width: number) {
    super();
    this.#weight = this.parameter("weight", [width], ones);
  }

  get weight(): Tensor {
    return this.#weight.tensor;
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const meanSquare = reshape(mean(square(x), -1), [...x.shape.slice(0, -1), 1]);
      return multiply(divide(x, sqrt(add(meanSquare, RMS_EPSILON))), this.weight);
    });
  }
}

/** What LayerNorm and BatchNorm have in common. Parameters `weight`, `bias`, both [width]. */
abstract class Norm extends Module {
  readonly #weight: Parameter;
  readonly #bias: Parameter;

  /** @throws ConfigError for a width that is not whole or less than 1 */
  constructor(width: number) {
    super();
    this.#weight = this.parameter("weight", [width], ones);
    this.#bias = this.parameter("bias", [width], zeros);
  }

  get weight(): Tensor {
    return this.#weight.tensor;
  }

  get bias(): Tensor {
    return this.#bias.tensor;
  }
}

/** LayerNorm over the channels, eps 1e-5: [n, width] -> [n, width]. Parameters `weight`, `bias`, both [width]. */
export class LayerNorm extends Norm {
  /** residual + LayerNorm(x); without a residual, LayerNorm(x). */
  forward(x: Tensor, residual?: Tensor): Tensor {
    if (residual) return layerNorm(x, residual, this);
    return scope(() => {
      const nothing = new Tensor(x.device, x.shape);
      x.device.clear(nothing.storage);
      return layerNorm(x, nothing, this);
    });
  }

  /** residual + LayerNorm of what a linear map makes of x. */
  afterLinear(map: Linear, x: Tensor, extras: Pick<LinearExtras, "second">, residual: Tensor): Tensor {
    const bias = map.hasBias ? map.bias : undefined;
    return linearLayerNorm(x, map.weight, { ...extras, bias }, this, residual);
  }
}

/**
 * BatchNorm1d over the rows, eps 1e-5, momentum 0.1, unbiased running variance: [n, width] -> [n, width]. In training
 * mode it uses the batch's own statistics and updates the running ones (a single row, which torch refuses, has the variance 0); else
 * it uses the running ones. Parameters `weight`, `bias`; buffers `running_mean`, `running_var`, all [width]; counter
 * `num_batches_tracked`.
 */
export class BatchNorm extends Norm {
  readonly #mean: Parameter;
  readonly #variance: Parameter;
  /** The number of batches seen in training; nothing depends on it, but PyTorch's checkpoints contain it. */
  readonly #batches: Counter;

  /** @throws ConfigError for a width that is not whole or less than 1 */
  constructor(width: number) {
    super(width);
    this.#mean = this.buffer("running_mean", [width], zeros);
    this.#variance = this.buffer("running_var", [width], ones);
    this.#batches = this.counter("num_batches_tracked");
  }

  forward(x: Tensor): Tensor {
    if (this.training) this.#batches.value++;
    return batchNorm(x, this, this.#running, this.training);
  }

  /** The same of what a linear map makes of x, whose rows hold one or more of the norm's: [n, inputs] -> [n outputs / width, width]. */
  afterLinear(map: Linear, x: Tensor, extras: Omit<LinearExtras, "bias" | "scatter"> = {}): Tensor {
    if (this.training) this.#batches.value++;
    const bias = map.hasBias ? map.bias : undefined;
    return linearBatchNorm(x, map.weight, { ...extras, bias }, this, this.#running, this.training);
  }

  get #running(): RunningStatistics {
    return { mean: this.#mean.tensor, variance: this.#variance.tensor };
  }
}
