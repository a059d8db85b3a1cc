// The forward benchmark: the benchmarks' model on seeded uniform clouds, its input, tree and graph on the device.

import { readmeModel } from "../erwin/presets.ts";
import { ErwinTransformer } from "../index.ts";
import type { BenchCase, BenchmarkName } from "./measurement.ts";
import { measureSizes, type PassOptions } from "./pass.ts";

/** A time is that from the call to the last number computed. */
export async function benchForward(options: PassOptions, benchmark: BenchmarkName = "forward"): Promise<BenchCase[]> {
  using model = await ErwinTransformer.create(readmeModel(options.channels), { device: options.device });
  return await measureSizes(benchmark, model, options, (input) => ({
    run: async () => (await model.forward(input)).dispose(),
    dispose: () => {},
  }));
}

/** One cloud of each size, to tell how time grows with it. */
export const benchScaling = (options: PassOptions): Promise<BenchCase[]> =>
  benchForward({ ...options, clouds: 1 }, "scaling");
