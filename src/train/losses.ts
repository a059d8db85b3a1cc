// Collects losses on the device and reads them back several steps at a time: one readback takes ten milliseconds on some hosts.

import type { Device, Storage } from "../backends/device.ts";
import { Tensor } from "../tensor/tensor.ts";

export class LossLog {
  /** The loss of the current step, summed over its batches: a scalar. */
  readonly current: Tensor;
  readonly #losses: Storage;
  #steps = 0;

  /** @param capacity the maximum number of steps between two readings */
  constructor(
    readonly device: Device,
    readonly capacity: number,
    /** The number of batches of a step. */
    readonly batches: number,
  ) {
    this.current = new Tensor(device, [1]);
    this.#losses = device.allocate(4 * capacity);
    device.clear(this.current.storage);
  }

  /** Adds a batch's loss to that of the step. */
  add(loss: Tensor): void {
    this.device.operators.add({ x: loss.storage, y: this.current.storage, size: 1 });
  }

  /** Ends the step. */
  endStep(): void {
    this.device.copy(this.current.storage, this.#losses.slice(4 * this.#steps++, 4), 4);
    this.device.clear(this.current.storage);
  }

  /** Returns the mean losses of the steps since the last reading. */
  async read(): Promise<Float32Array> {
    const steps = this.#steps;
    this.#steps = 0;
    if (steps === 0) return new Float32Array();
    const sums = new Float32Array(await this.device.read(this.#losses, 4 * steps));
    return sums.map((sum) => sum / this.batches);
  }

  dispose(): void {
    this.current.dispose();
    this.device.release(this.#losses);
  }
}
