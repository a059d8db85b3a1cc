// Dropout as a layer.

import { expectOption } from "../arguments/options.ts";
import { Random } from "../random.ts";
import { dropout } from "../tensor/operators/dropout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Module } from "./module.ts";

/**
 * In training mode each element becomes 0 with the probability `rate`, and the others are divided by 1 - rate; in evaluation mode
 * nothing changes. Which elements, depends on the seed of `initialize` or `reseed`, on its full name, and on the passes since; `fit`
 * reseeds for each batch. It does not belong into `checkpoint`, which computes twice.
 */
export class Dropout extends Module {
  #random = new Random(0);

  /** @throws ConfigError for a rate that is not from 0 to 1 */
  constructor(readonly rate = 0.5) {
    super();
    expectOption("rate", rate, "a number from 0 to 1", typeof rate === "number" && rate >= 0 && rate <= 1);
  }

  /** x -> a tensor of the same shape. */
  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.rate, this.#random) : x.view();
  }

  protected override startRandom(seed: number, stream: string): void {
    this.#random = new Random(seed, stream);
  }
}
