// The training benchmark: a forward pass, the loss, a backward pass and a step of AdamW, with the same model on the same clouds.

import "../../disposable.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { AdamW, ErwinTransformer, mse, Random, Tensor } from "../../index.ts";
import type { BenchCase } from "../report/measurement.ts";
import { measureSizes, type Passes, type PassOptions } from "./pass.ts";

/** A time is that of one step against random targets; input, tree and graph are on the device. */
export async function benchTraining(options: PassOptions): Promise<BenchCase[]> {
  using passes = await trainingPasses(options);
  return await measureSizes(passes, options);
}

/** The passes of the benchmark; they hold model and optimiser until they are disposed of. */
export async function trainingPasses({
  channels,
  device,
}: Pick<PassOptions, "channels" | "device">): Promise<Passes & Disposable> {
  const model = await ErwinTransformer.create(readmeModel(channels), { device });
  model.train();
  const optimizer = new AdamW(model.parameters(), { lr: 1e-4 });
  const start: Passes["start"] = (input) => {
    const random = new Random(input.points, "target");
    const values = Float32Array.from({ length: input.points * channels }, () => random.normal());
    const target = Tensor.from(device, values, [input.points, channels]);
    const run = async () => {
      using output = await model.forward(input);
      using loss = mse(output, target);
      await loss.backward();
      optimizer.step({ loss });
      optimizer.zeroGrad();
    };
    // Steps that were skipped would look fast.
    return { run, check: () => optimizer.check(), dispose: () => target.dispose() };
  };
  const dispose = () => {
    optimizer.dispose();
    model.dispose();
  };
  return { benchmark: "training", model, start, [Symbol.dispose]: dispose };
}
