// A linear map with bias.

import { type LinearExtras, linear } from "../tensor/operators/linear.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type ParameterSource, within } from "./parameters.ts";

/** y = x W^T + b, W [outputs, inputs]. Parameters `weight`, `bias`. */
export class Linear {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(source: ParameterSource, name: string, inputs: number, outputs: number) {
    const own = within(source, name);
    this.weight = own.get("weight", [outputs, inputs], "linear");
    this.bias = own.get("bias", [outputs], "zeros");
  }

  forward(x: Tensor, extras: Omit<LinearExtras, "bias"> = {}): Tensor {
    return linear(x, this.weight, { ...extras, bias: this.bias });
  }
}
