// Normalisation layers with parameters of their own.

import { batchNorm, layerNorm } from "../tensor/operators/norms.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Counter, type ParameterSource, within } from "./parameters.ts";

/** LayerNorm over the channels, eps 1e-5, affine. Parameters `weight`, `bias`. */
export class LayerNorm {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(source: ParameterSource, name: string, width: number) {
    const own = within(source, name);
    this.weight = own.get("weight", [width], "ones");
    this.bias = own.get("bias", [width], "zeros");
  }

  /** residual + LayerNorm(x). */
  forward(x: Tensor, residual: Tensor): Tensor {
    return layerNorm(x, residual, this);
  }
}

/** BatchNorm1d over nodes, eps 1e-5, momentum 0.1. Parameters `weight`, `bias`; buffers `running_mean`, `running_var`, `num_batches_tracked`. */
export class BatchNorm {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly running: { mean: Tensor; variance: Tensor };
  /** Batches seen in training; nothing is computed from it, but the reference's checkpoints carry it. */
  readonly batches: Counter;

  constructor(source: ParameterSource, name: string, width: number) {
    const own = within(source, name);
    this.weight = own.get("weight", [width], "ones");
    this.bias = own.get("bias", [width], "zeros");
    this.running = {
      mean: own.get("running_mean", [width], "zeros", "buffer"),
      variance: own.get("running_var", [width], "ones", "buffer"),
    };
    this.batches = own.counter("num_batches_tracked");
  }

  forward(x: Tensor, training: boolean): Tensor {
    if (training) this.batches.value++;
    return batchNorm(x, this, this.running, training);
  }
}
