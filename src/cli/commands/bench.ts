// erwin bench: the benchmark cases, as a table and as JSON.

import { benchTree, formatTreeBench } from "../../bench/tree.ts";
import { disposeThreads } from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { checkOutput, writeWhole } from "../files.ts";
import { withProgress } from "../progress.ts";

/** Each measures, and gives its results as text and as data. */
const cases: Readonly<Record<string, () => Promise<{ text: string; data: unknown }>>> = {
  tree: async () => {
    const data = await benchTree();
    return { text: formatTreeBench(data), data };
  },
};
const names = Object.keys(cases);

export const bench: Command = {
  summary: "measure how fast things are on this machine",
  usage: `[${names.join("|")}] [--json FILE]`,
  options: {
    json: { value: "FILE", description: "write the results to a file, too" },
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
      const { text, data } = await withProgress(`measuring ${name}`, () => cases[name]());
      console.log(text);
      results[name] = data;
    }
    if (json !== undefined) writeWhole(json, `${JSON.stringify(results, null, 2)}\n`);
  } finally {
    disposeThreads();
  }
}
