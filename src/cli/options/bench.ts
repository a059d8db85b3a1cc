// The options of a benchmark and their parser, for the command line's `bench` and for src/bench/scripts/page.mjs, which takes the same
// arguments.

import { publishedTable } from "../../bench/cases/case.ts";
import type { BenchOptions } from "../../bench/index.ts";
import { Arguments, type CommandOption, UsageError } from "../command.ts";
import { readTrainingDevice, trainingDeviceOptions } from "./shared.ts";

export const benchOptions = {
  points: { value: "N,N,...", description: "points of each cloud, one case each (default: 2048,4096 for the model)" },
  clouds: { value: "B", description: "clouds of the batch (default 1)" },
  table: { description: "the sizes of the published table: 16 clouds of 1024 to 32768 points; for GPUs" },
  channels: { value: "C", description: "channels of the model's finest level (default 32; scaling 8)" },
  repeat: { value: "R", description: "repetitions (default: as many as fit into --seconds, 100 at most)" },
  seconds: {
    value: "S",
    description: "for each case, about; what would take longer is left out (default 20; tree, graph 1.5)",
  },
  profile: { description: "the time of every operator and kernel of the model" },
  json: { value: "FILE", description: "write the results to a file, too; whole after each case" },
  ...trainingDeviceOptions,
} satisfies Record<string, CommandOption>;

export function readBenchOptions(args: Arguments): BenchOptions {
  const options = { points: args.counts("points"), clouds: args.count("clouds") };
  const isTable = args.has("table");
  if (isTable && (options.points || options.clouds)) {
    throw new UsageError("--table chooses --points and --clouds by itself");
  }
  return {
    ...(isTable ? publishedTable : options),
    channels: args.count("channels"),
    repeat: args.count("repeat"),
    seconds: args.number("seconds", "a number greater than 0", (value) => value > 0),
    threads: args.count("threads"),
    profile: args.has("profile"),
  };
}

/**
 * Parses all arguments after `bench` for one benchmark; it does not check `name`.
 * @throws UsageError
 */
export function parseBenchWords(words: readonly string[]) {
  const args = Arguments.parse({ options: benchOptions, positionals: 1 }, words);
  const [name] = args.positionals;
  return { name, options: readBenchOptions(args), device: readTrainingDevice(args), json: args.text("json") };
}
