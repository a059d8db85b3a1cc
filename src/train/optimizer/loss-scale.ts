// The loss scale, which stays on the device: a loss is multiplied by it before its backward pass, so that small gradients do not
// vanish in half precision; the optimiser divides the gradients by it again.

import type { Device, Storage } from "../../backends/device.ts";
import type { LossScaleGrowth } from "../../backends/optimizer.ts";
import { outsideScopes, Tensor } from "../../tensor/tensor.ts";

/** How a dynamic scale changes: the defaults of torch.cuda.amp.GradScaler, whose factors are 2 and 1/2 as here. */
const DYNAMIC_LOSS_SCALE = {
  initial: 65536,
  /** The number of steps in a row with finite gradients after which it doubles. */
  growthInterval: 2000,
  /** A gradient that is not finite at this scale is not so because of the scale. */
  least: 1,
} as const;

/** The largest scale whose reciprocal is a normal number of float32. */
export const MAX_LOSS_SCALE = 2 ** 126;

/** What a checkpoint keeps of a dynamic scale. */
interface LossScaleState {
  scale: number;
  /** The number of steps in a row with finite gradients since it changed. */
  steps: number;
}

export class LossScale {
  /** [4] f32: the scale, its reciprocal, the steps of `LossScaleState`, unused. */
  readonly storage: Storage;
  /** The scale, of shape []. */
  readonly tensor: Tensor;

  /** @param scale "dynamic", or a number from 1 to MAX_LOSS_SCALE that does not change */
  constructor(
    readonly device: Device,
    readonly scale: "dynamic" | number,
  ) {
    this.storage = device.allocate(16);
    this.tensor = outsideScopes(() => new Tensor(device, [], "f32", { storage: this.storage, holders: 1, version: 0 }));
    this.load({ scale: scale === "dynamic" ? DYNAMIC_LOSS_SCALE.initial : scale, steps: 0 });
  }

  /** How the scale changes; undefined if it does not. */
  get growth(): LossScaleGrowth | undefined {
    const { growthInterval: interval, least } = DYNAMIC_LOSS_SCALE;
    return this.scale === "dynamic" ? { interval, least, largest: MAX_LOSS_SCALE } : undefined;
  }

  async read(): Promise<LossScaleState> {
    const [scale, , steps] = new Float32Array(await this.device.read(this.storage, 12));
    return { scale, steps };
  }

  load({ scale, steps }: LossScaleState): void {
    this.device.write(this.storage, new Float32Array([scale, 1 / scale, steps, 0]));
  }

  dispose(): void {
    this.tensor.dispose();
    this.device.release(this.storage);
  }
}
