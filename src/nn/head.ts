// The output head of the paper's experiments.

import { gelu } from "../tensor/operators/functions.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { Linear } from "./linear.ts";
import { type ParameterSource, within } from "./parameters.ts";

/** Linear, GELU, Linear. Parameters `0.*`, `2.*`. */
export class Head {
  readonly hidden: Linear;
  readonly output: Linear;

  constructor(source: ParameterSource, name: string, width: number, outputs: number) {
    const own = within(source, name);
    this.hidden = new Linear(own, "0", width, width);
    this.output = new Linear(own, "2", width, outputs);
  }

  /** [n, c] -> [n, outputs]. */
  forward(x: Tensor): Tensor {
    return scope(() => this.output.forward(gelu(this.hidden.forward(x))));
  }
}
