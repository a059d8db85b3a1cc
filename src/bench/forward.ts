// The forward benchmark: the README's model on seeded uniform clouds, its input, tree and graph on the device.

import { ErwinTransformer } from "../index.ts";
import { measureSizes, type PassOptions } from "./pass.ts";
import { readmeModel } from "./readme-model.ts";
import type { BenchCase, BenchmarkName } from "./result.ts";

/** A time is that from the call to the last number computed. */
export async function benchForward(options: PassOptions, benchmark: BenchmarkName = "forward"): Promise<BenchCase[]> {
  using model = await ErwinTransformer.create(readmeModel(options.channels), { device: options.device });
  return await measureSizes(benchmark, model, options, (input) => ({
    run: async () => (await model.forward(input)).dispose(),
    dispose: () => {},
  }));
}
