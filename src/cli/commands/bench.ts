// erwin bench: runs benchmarks, prints them as tables and JSON, and compares two results.

import {
  type BenchCase,
  type BenchmarkName,
  type BenchOptions,
  type BenchResult,
  benchmarks,
  benchResult,
  type DeviceDescription,
  describeDevice,
  formatComparison,
  formatResult,
  measureRoofline,
  parseBenchResult,
  type Roofline,
} from "../../bench/index.ts";
import { disposeThreads } from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { withDevice } from "../device.ts";
import { checkOutput, readBytes, writeWhole } from "../files/files.ts";
import { describeDawn } from "../node-gpu.ts";
import { benchOptions, readBenchOptions } from "../options/bench.ts";
import { type DeviceChoice, readTrainingDevice } from "../options/shared.ts";
import { withProgress } from "../process/progress.ts";

const DAWN_FEATURES = "dawn-features";

const names = Object.keys(benchmarks) as BenchmarkName[];

export const bench: Command = {
  summary: "measure how fast things are on this machine, or compare two such measurements",
  usage: `[${names.join("|")}] [--points N,N,...] [--clouds B] [--table] [--profile] [--backend NAME] [--dawn-features NAME,...] [--json FILE] | --compare FILE FILE`,
  options: {
    ...benchOptions,
    [DAWN_FEATURES]: {
      value: "NAME,...",
      description: "toggles of Dawn to switch on (disable_robustness), where WebGPU comes from the npm package webgpu",
    },
    compare: { value: "FILE FILE", description: "two such files, case by case" },
  },
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const [argument] = args.positionals;
  const compared = args.text("compare");
  if (compared !== undefined) {
    if (argument === undefined) throw new UsageError("--compare needs two files");
    console.log(formatComparison(readResult(compared), readResult(argument)));
    return;
  }
  const chosen = names.find((name) => name === argument);
  if (argument !== undefined && chosen === undefined) {
    throw new UsageError(`Unknown benchmark "${argument}", expected one of ${names.join(", ")}`);
  }
  const json = args.text("json");
  if (json !== undefined) checkOutput(json);
  await measure(chosen ? [chosen] : names, readBenchOptions(args), readChoice(args), (result) => {
    if (json !== undefined) writeWhole(json, `${JSON.stringify(result, null, 2)}\n`);
  });
}

function readChoice(args: Arguments): DeviceChoice {
  const choice = readTrainingDevice(args);
  const dawnToggles = args.text(DAWN_FEATURES)?.split(",");
  const wrong = dawnToggles?.find((name) => !/^[a-z0-9_]+$/.test(name));
  if (wrong !== undefined)
    throw new UsageError(`--${DAWN_FEATURES} has "${wrong}", expected names such as disable_robustness`);
  if (dawnToggles && choice.backend === "cpu") throw new UsageError(`--${DAWN_FEATURES} is for WebGPU`);
  return { ...choice, dawnToggles };
}

/** Runs the benchmarks one after the other, prints each as soon as it is done, and writes the results after each case. */
async function measure(
  chosen: readonly BenchmarkName[],
  options: BenchOptions,
  choice: DeviceChoice,
  keep: (result: BenchResult) => void,
): Promise<void> {
  const all: BenchCase[] = [];
  let device: DeviceDescription | undefined;
  let roofline: Roofline | undefined;
  const onCase = (measured: BenchCase) => {
    all.push(measured);
    keep(benchResult(all, device, roofline));
  };
  try {
    for (const name of chosen) {
      const benchmark = benchmarks[name];
      let cases: BenchCase[];
      if (benchmark.needsDevice) {
        roofline ??= await withProgress("measuring the device", () =>
          withDevice(choice, (own) => measureRoofline(own, options.seconds)),
        );
        cases = await withDevice(choice, (own) => {
          device = { ...describeDevice(own), dawn: describeDawn(own) };
          return withProgress(`measuring: ${name}`, () => benchmark.run({ ...options, roofline, onCase }, own));
        });
      } else cases = await withProgress(`measuring: ${name}`, () => benchmark.run({ ...options, onCase }));
      if (name !== chosen[0]) console.log();
      console.log(formatResult(benchResult(cases, device, roofline)));
    }
  } finally {
    disposeThreads();
  }
}

const readResult = (file: string) => parseBenchResult(new TextDecoder().decode(readBytes(file)), file);
