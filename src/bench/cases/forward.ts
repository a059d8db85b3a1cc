// The forward benchmark: the benchmarks' model on seeded uniform clouds, its input, tree and graph on the device.

import "../../disposable.ts";
import { readmeModel } from "../../erwin/presets.ts";
import { ErwinTransformer } from "../../index.ts";
import type { BenchCase, BenchmarkName } from "../report/measurement.ts";
import { measureSizes, type Passes, type PassOptions } from "./pass.ts";

/** A time runs from the call until the output is computed. */
export async function benchForward(options: PassOptions, benchmark: BenchmarkName = "forward"): Promise<BenchCase[]> {
  using passes = await forwardPasses(options, benchmark);
  return await measureSizes(passes, options);
}

/** The passes of the benchmark; they hold the model until they are disposed of. */
export async function forwardPasses(
  { channels, device }: Pick<PassOptions, "channels" | "device">,
  benchmark: BenchmarkName = "forward",
): Promise<Passes & Disposable> {
  const model = await ErwinTransformer.create(readmeModel(channels), { device });
  return {
    benchmark,
    model,
    start: (input) => ({ run: async () => (await model.forward(input)).dispose(), dispose: () => {} }),
    [Symbol.dispose]: () => model.dispose(),
  };
}

/** Measures one cloud of each size, which shows how time grows with the size. */
export const benchScaling = (options: PassOptions): Promise<BenchCase[]> =>
  benchForward({ ...options, clouds: 1 }, "scaling");
