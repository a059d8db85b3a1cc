// erwin bench: the benchmark cases, as a table and as JSON.

import { benchForward, formatForwardBench } from "../../bench/forward.ts";
import { benchTree, formatTreeBench } from "../../bench/tree.ts";
import { disposeThreads } from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { withDevice } from "../device.ts";
import { checkOutput, writeWhole } from "../files.ts";
import { deviceOptions, readDeviceChoice } from "../options.ts";

/** Each measures, and gives its results as text and as data. */
const cases: Readonly<Record<string, (args: Arguments) => Promise<{ text: string; data: unknown }>>> = {
  tree: async () => {
    const data = await benchTree();
    return { text: formatTreeBench(data), data };
  },
  forward: (args) =>
    withDevice(readDeviceChoice(args), async (device) => {
      const points = args.count("points");
      const data = await benchForward({
        device,
        points: points === undefined ? undefined : [points],
        clouds: args.count("clouds"),
        repeat: args.count("repeat"),
        channels: args.count("channels"),
      });
      return { text: formatForwardBench(data), data };
    }),
};
const names = Object.keys(cases);

export const bench: Command = {
  summary: "measure how fast things are on this machine",
  usage: `[${names.join("|")}] [--points N] [--clouds B] [--repeat R] [--channels C] [--backend NAME] [--json FILE]`,
  options: {
    points: { value: "N", description: "points of each cloud (forward; default 2048, then 4096)" },
    clouds: { value: "B", description: "clouds in the batch (forward; default 1)" },
    repeat: { value: "R", description: "repetitions (forward; default: as many as fit into 20 seconds)" },
    channels: { value: "C", description: "channels of the model's finest level (forward; default 32)" },
    json: { value: "FILE", description: "write the results to a file, too" },
    ...deviceOptions,
  },
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const chosen = args.positionals[0];
  if (chosen !== undefined && !Object.hasOwn(cases, chosen)) {
    throw new UsageError(`Unknown benchmark "${chosen}", expected one of ${names.join(", ")}`);
  }
  const json = args.text("json");
  if (json !== undefined) checkOutput(json);
  try {
    const results: Record<string, unknown> = {};
    for (const name of chosen === undefined ? names : [chosen]) {
      const { text, data } = await cases[name]!(args);
      console.log(text);
      results[name] = data;
    }
    if (json !== undefined) writeWhole(json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    disposeThreads();
  }
}
