// What a run keeps on its device besides the model. It is created again on another device.

import { multiply } from "../tensor/operators/arithmetic.ts";
import { scope, Tensor } from "../tensor/tensor.ts";
import { LossLog } from "./losses.ts";
import { AdamW } from "./optimizer/adamw.ts";
import type { AdamWOptions } from "./optimizer/settings.ts";
import { Pace } from "./pace.ts";
import type { Trainable } from "./task.ts";

export class Equipment {
  readonly optimizer: AdamW;
  readonly losses: LossLog;
  readonly pace: Pace;
  /** 1 / accumulate */
  readonly #share: Tensor;

  constructor(
    model: Pick<Trainable, "device" | "parameters">,
    { optimizer, logEvery, accumulate }: { optimizer: AdamWOptions; logEvery: number; accumulate: number },
  ) {
    const { device } = model;
    const made: { dispose(): void }[] = [];
    const keep = <Part extends { dispose(): void }>(part: Part): Part => {
      made.push(part);
      return part;
    };
    try {
      this.optimizer = keep(new AdamW(model.parameters(), optimizer));
      this.losses = keep(new LossLog(device, logEvery, accumulate));
      this.#share = keep(Tensor.from(device, new Float32Array([1 / accumulate])));
      // This comes last, because some hosts do not exit while it is open.
      this.pace = new Pace(device);
    } catch (error) {
      for (const part of made) part.dispose();
      throw error;
    }
  }

  /** The gradient of the step's loss, times the loss scale, with respect to a batch's loss. The caller disposes of it. */
  lossGradient(shape: readonly number[]): Tensor {
    const { lossScale } = this.optimizer;
    if (!lossScale) return this.#share.detach(shape);
    return scope(() => multiply(this.#share, lossScale).detach(shape));
  }

  dispose(): void {
    this.pace.close();
    this.losses.dispose();
    this.#share.dispose();
    this.optimizer.zeroGrad();
    this.optimizer.dispose();
  }
}
