// Layers applied in sequence.

import { describe } from "../arguments/kinds.ts";
import { ConfigError } from "../errors.ts";
import { gelu, relu, silu } from "../tensor/operators/functions.ts";
import { scope, type Tensor } from "../tensor/tensor.ts";
import { Linear, type LinearOptions } from "./linear.ts";
import { Module } from "./module.ts";

/** A module that maps one tensor to another. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** The exact GELU (by the error function), element by element. */
export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return gelu(x);
  }
}

/** max(x, 0), element by element. */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** x / (1 + exp(-x)), element by element. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** Layers applied in sequence. Parts `0`, `1`, ... */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  /** @throws ConfigError for what is not a module with a method `forward` */
  constructor(...layers: Layer[]) {
    super();
    layers.forEach((layer, i) => {
      if (layer instanceof Module && typeof layer.forward === "function") return;
      throw new ConfigError(`layer ${i} must be a module with a method forward, not ${describe(layer)}`, {
        field: `${i}`,
      });
    });
    this.layers = layers.map((layer, i) => this.child(`${i}`, layer));
  }

  /** Applies the layers in turn; intermediate results are freed as soon as they have been used. */
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
  /**
   * @param widths the widths of the input, the hidden layers and the output
   * @throws ConfigError for fewer than two widths, and for one that is not whole or less than 1
   */
  constructor(widths: readonly number[], options: LinearOptions = {}) {
    if (!Array.isArray(widths) || widths.length < 2) {
      throw new ConfigError(`an MLP needs the widths of its input and its output, not ${describe(widths)}`, {
        field: "widths",
      });
    }
    super(
      ...widths.slice(1).flatMap((width, i) => [...(i > 0 ? [new GELU()] : []), new Linear(widths[i], width, options)]),
    );
  }
}
