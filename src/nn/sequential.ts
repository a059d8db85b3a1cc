// Layers one after the other.

import { ConfigError } from "../errors.ts";
import { gelu } from "../tensor/operators/functions.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { Linear, type LinearOptions } from "./linear.ts";
import { Module } from "./module.ts";

/** A module that makes one tensor of another. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** The exact GELU (by the error function), number by number. */
export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return gelu(x);
  }
}

/** Layers one after the other. Parts `0`, `1`, ... */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: Layer[]) {
    super();
    this.layers = layers.map((layer, i) => this.child(`${i}`, layer));
  }

  /** What the last layer makes of what the others made of x; that is freed as soon as it has been used. */
  forward(x: Tensor): Tensor {
    return scope(() =>
      this.layers.reduce((input, layer) => {
        const output = layer.forward(input);
        if (input !== x && input !== output) input.dispose();
        return output;
      }, x),
    );
  }
}

/**
 * A multilayer perceptron: linear maps with GELU between them, [n, widths[0]] -> [n, widths.at(-1)]. The paper's heads are
 * `new MLP([c, c, outputs])`. Parts `0`, `2`, `4`, ... are its linear maps, as in PyTorch's Sequential.
 */
export class MLP extends Sequential {
  /** @param widths of the input, of the hidden layers and of the output */
  constructor(widths: readonly number[], options: LinearOptions = {}) {
    if (widths.length < 2) {
      throw new ConfigError(`an MLP needs the widths of its input and its output, not [${widths}]`, {
        field: "widths",
      });
    }
    super(
      ...widths.slice(1).flatMap((width, i) => [...(i > 0 ? [new GELU()] : []), new Linear(widths[i], width, options)]),
    );
  }
}
