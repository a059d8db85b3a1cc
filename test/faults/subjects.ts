// What is loaded, run and trained while devices are lost: an Erwin model, and a layer whose few kernels a software adapter compiles
// within a second in a browser: of its own it has no matrix product, which takes the longest by far.

import { add, type Device, ErwinTransformer, mse, multiply, nn, scope, type Task, Tensor, type Trainable } from "erwin";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { flatConfig, makeClouds, makeTask } from "../train/training.ts";

export interface Subject {
  make(device: Device): Promise<Trainable & Disposable>;
  /** Returns the output of a forward pass. */
  forward(model: Trainable): Promise<Float32Array>;
  task(model: Trainable): Task<never, unknown>;
}

/** x * weight + bias, column by column. */
class Scaled extends nn.Module {
  readonly weight = this.parameter("weight", [4], nn.ones);
  readonly bias = this.parameter("bias", [4], nn.zeros);

  forward(x: Tensor): Tensor {
    return scope(() => add(multiply(x, this.weight.tensor), this.bias.tensor));
  }
}

const rows = 8;
const numbers = Float32Array.from({ length: 4 * rows }, (_, i) => Math.sin(i));

const layer: Subject = {
  make: async (device) => new Scaled().initialize({ device, seed: 1 }),
  async forward(model) {
    using x = Tensor.from(model.device, numbers, [rows, 4]);
    using y = (model as Scaled).forward(x);
    return await y.data();
  },
  task: (model) => ({
    prepare: async (samples: readonly unknown[]) => samples.length,
    loss: async () =>
      scope(() => {
        const x = Tensor.from(model.device, numbers, [rows, 4]);
        const target = Tensor.from(
          model.device,
          numbers.map((x) => -x),
          [rows, 4],
        );
        return mse((model as Scaled).forward(x), target);
      }),
  }),
};

export const cloud = randomCloud(20, cloudOptions(flatConfig), seededRandom(1));

const transformer: Subject = {
  make: (device) => ErwinTransformer.create(flatConfig, { device, seed: 1 }),
  async forward(model) {
    using out = await (model as ErwinTransformer).forward(cloud);
    return await out.data();
  },
  task: (model) => makeTask(model as ErwinTransformer) as Task<never, unknown>,
};

export const subjects = { layer, transformer };
export const trainData = makeClouds(4, 1);
export const validationData = makeClouds(2, 2);
