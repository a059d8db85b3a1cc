// The forward benchmark: the benchmarks' model on seeded uniform clouds, its input, tree and graph on the device.

import { readmeModel } from "../erwin/presets.ts";
import { ErwinTransformer } from "../index.ts";
import type { BenchCase, BenchmarkName } from "./measurement.ts";
import { measureSizes, type PassOptions } from "./pass.ts";

/** A time runs from the call until the output is computed. */
export async function benchForward(options: PassOptions, benchmark: BenchmarkName = "forward"): Promise<BenchCase[]> {
  using model = await ErwinTransformer.create(readmeModel(options.channels), { device: options.device });
  return await measureSizes(benchmark, model, options, (input) => ({
    run: async () => (await model.forward(input)).dispose(),
    dispose: () => {},
  }));
}

/** Measures one cloud of each size, which shows how time grows with the size. */
export const benchScaling = (options: PassOptions): Promise<BenchCase[]> =>
  benchForward({ ...options, clouds: 1 }, "scaling");
