// The command line's entry: finds the command, and turns any failure into one line and an exit code.

import process from "node:process";
import { version } from "../../package.json";
import { oldNode } from "../host/environment.ts";
import { setLimits } from "../limits.ts";
import { Arguments, type Command, UsageError } from "./command.ts";
import { assets } from "./commands/assets.ts";
import { bench } from "./commands/bench.ts";
import { convert } from "./commands/convert.ts";
import { index } from "./commands/data-index.ts";
import { demo } from "./commands/demo.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportModel } from "./commands/export.ts";
import { generate } from "./commands/generate.ts";
import { gradients } from "./commands/gradients.ts";
import { info } from "./commands/info.ts";
import { init } from "./commands/init.ts";
import { predict } from "./commands/predict.ts";
import { serve } from "./commands/serve.ts";
import { status } from "./commands/status.ts";
import { sweep } from "./commands/sweep.ts";
import { train } from "./commands/train.ts";
import { tree } from "./commands/tree.ts";
import { work } from "./commands/work.ts";
import { commandHelp, generalHelp, suggestCommand } from "./help.ts";
import { limitOption, readLimits } from "./options/limit.ts";
import { describeError } from "./process/failure.ts";
import { obeyNohup } from "./process/interruption.ts";
import { withStandardStreams } from "./process/standard-streams.ts";

const commands: Readonly<Record<string, Command>> = {
  tree,
  predict,
  work,
  status,
  serve,
  gradients,
  train,
  sweep,
  init,
  evaluate,
  generate,
  index,
  convert,
  export: exportModel,
  bench,
  info,
  demo,
  assets,
};

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
async function main(words: readonly string[]): Promise<number> {
  const old = oldNode();
  if (old) {
    console.error(`error: ${old}.`);
    return 1;
  }
  const [name, ...rest] = words;
  if (name === undefined) {
    console.error(generalHelp(commands));
    return 2;
  }
  if (name === "--version") {
    console.log(version);
    return 0;
  }
  if (name === "help" || name === "--help" || name === "-h") return help(rest[0]);
  if (!Object.hasOwn(commands, name)) return wrongUsage(`Unknown command "${name}"${suggestCommand(name, commands)}`);
  if (rest.includes("--help") || rest.includes("-h")) return help(name);
  try {
    const args = Arguments.parse({ ...commands[name], options: { ...commands[name].options, ...limitOption } }, rest);
    setLimits(readLimits(args));
    await commands[name].run(args);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) return wrongUsage(error.message, name);
    console.error(describeError(error));
    return 1;
  }
}

function help(name: string | undefined): number {
  if (name === undefined) console.log(generalHelp(commands));
  else if (Object.hasOwn(commands, name)) console.log(commandHelp(name, commands[name]));
  else return wrongUsage(`Unknown command "${name}"${suggestCommand(name, commands)}`);
  return 0;
}

function wrongUsage(problem: string, command?: string): number {
  console.error(`error: ${problem}.`);
  if (command !== undefined) console.error(`usage: erwin ${command} ${commands[command].usage}`);
  console.error(`See "erwin help${command === undefined ? "" : ` ${command}`}".`);
  return 2;
}

obeyNohup();
process.exitCode = await withStandardStreams(() => main(process.argv.slice(2)));
