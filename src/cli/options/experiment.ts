// The flags of experiments: the option `batchSize` of an experiment is the flag `--batch-size`.

import { experiments } from "../../experiments/index.ts";
import { expectedOf, type Option, type Options, parseOption, trainingOnly } from "../../experiments/options.ts";
import { flagOf, textOf } from "../../experiments/settings.ts";
import { type Arguments, type CommandOption, UsageError } from "../command.ts";

/** Returns the flags of all experiments together. */
export function experimentFlags(): Record<string, CommandOption> {
  const flags: Record<string, CommandOption> = {};
  for (const { options } of Object.values(experiments)) {
    for (const [name, option] of Object.entries(options)) {
      const flag = flagOf(name);
      if (Object.hasOwn(flags, flag)) continue;
      flags[flag] = { value: placeholder(option), description: `${option.doc}${defaultsOf(name)}` };
      if (option.alias) flags[option.alias] = { value: placeholder(option), description: `the same as --${flag}` };
    }
  }
  return flags;
}

/** Returns those of the flags that affect the evaluation of a trained model. */
export function evaluationFlags(): Record<string, CommandOption> {
  const aliases = Object.values(experiments).flatMap(({ options }) => trainingOnly.map((name) => options[name]?.alias));
  const unused = [...trainingOnly.map(flagOf), ...aliases];
  return Object.fromEntries(Object.entries(experimentFlags()).filter(([flag]) => !unused.includes(flag)));
}

function placeholder(option: Option): string {
  if (option.type === "choice") return option.choices.join("|");
  if (option.type === "switch") return "on|off";
  if (option.type === "number-or-word") return `${option.word}|X`;
  return option.whole ? "N" : "X";
}

/** Returns " (default 10)", or the defaults by experiment if they differ. */
function defaultsOf(name: string): string {
  const defaults = Object.entries(experiments).flatMap(([experiment, { options }]) =>
    Object.hasOwn(options, name) && options[name].default !== undefined
      ? [{ experiment, value: textOf(options[name].default) }]
      : [],
  );
  const [first] = defaults;
  if (!first) return "";
  if (defaults.every(({ value }) => value === first.value)) return ` (default ${first.value})`;
  return ` (default: ${defaults.map(({ experiment, value }) => `${experiment} ${value}`).join(", ")})`;
}

/**
 * Returns the options that are given on the command line.
 * @throws UsageError for a value that an option does not accept, for an option under both of its names, and for one of another
 * experiment
 */
export function givenOptions(args: Arguments, experiment: string, options: Options): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const flags = [flagOf(name), ...(option.alias ? [option.alias] : [])].filter((flag) => args.has(flag));
    if (flags.length > 1) throw new UsageError(`--${flags.join(" and --")} are the same option: give one of them`);
    if (flags.length === 0) continue;
    const text = args.required(flags[0]);
    given[name] = parseOption(option, text);
    if (given[name] === undefined) throw new UsageError(`--${flags[0]} is "${text}", expected ${expectedOf(option)}`);
  }
  const foreign = Object.keys(experimentFlags()).find((flag) => args.has(flag) && !hasFlag(options, flag));
  if (foreign !== undefined) throw new UsageError(`${experiment} has no option --${foreign}`);
  return given;
}

const hasFlag = (options: Options, flag: string) =>
  Object.entries(options).some(([name, { alias }]) => flagOf(name) === flag || alias === flag);
