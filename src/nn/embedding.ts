// A table of vectors that are looked up by index.

import type { Indices } from "../arguments/indices.ts";
import { embeddingLookup } from "../tensor/operators/lookup.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";
import { type Initializer, normal, type Parameter } from "./parameter.ts";

/**
 * A vector for each of `entries` kinds, as in PyTorch. Parameter `weight` [entries, width], by default standard normal.
 */
export class Embedding extends Module {
  readonly #weight: Parameter;

  /** @throws ConfigError for a number of entries or a width that is not whole or less than 1 */
  constructor(entries: number, width: number, initializer: Initializer = normal(0, 1)) {
    super();
    this.#weight = this.parameter("weight", [entries, width], initializer);
  }

  get weight(): Tensor {
    return this.#weight.tensor;
  }

  /**
   * Indices [n], on the host -> [n, width].
   * @throws InputError naming the first index that is not in the table
   */
  forward(indices: Indices): Tensor {
    return embeddingLookup(this.weight, indices);
  }
}
