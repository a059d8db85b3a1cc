// Chooses the experiment of a command and its data: an experiment by name, or a folder by a config.

import { basename, dirname, resolve } from "node:path";
import type { DataSource } from "../../experiments/data-source.ts";
import type { Experiment } from "../../experiments/experiment.ts";
import { FOLDER } from "../../experiments/folder/experiment.ts";
import type { Statistics } from "../../experiments/folder/statistics.ts";
import { experiments } from "../../experiments/index.ts";
import { type Arguments, UsageError } from "../command.ts";
import { isFile } from "../files/files.ts";
import { FolderSource } from "../files/folder-source.ts";
import type { RunConfig, Settings } from "../files/run-folder.ts";
import { readFolderExperiment, settingsOf } from "./folder-config.ts";

export interface ExperimentChoice {
  name: string;
  experiment: Experiment;
  /** The settings that determine a run's results, besides the experiment's options. */
  settings: Settings;
}

/**
 * @param begun the config of the run that is continued
 * @throws UsageError if no experiment is named; ConfigError for an invalid config
 */
export async function chooseExperiment(args: Arguments, begun?: RunConfig): Promise<ExperimentChoice> {
  const config = args.text("config");
  const [name, ...rest] = args.positionals;
  const names = Object.keys(experiments);
  if (config !== undefined) {
    const words = name === FOLDER ? rest : args.positionals;
    const experiment = await readFolderExperiment(config, words, {
      statistics: (begun?.data as { statistics?: Statistics } | undefined)?.statistics,
      list: listIn(args.text("data-path")),
    });
    return { name: FOLDER, experiment, settings: settingsOf(experiment) };
  }
  if (rest.length > 0) throw new UsageError(`Unexpected argument "${rest[0]}"`);
  if (name === undefined || !Object.hasOwn(experiments, name)) {
    const own = "or a folder of your own with --config FILE";
    throw new UsageError(`Which experiment? Expected one of ${names.join(", ")}, ${own}`);
  }
  return { name, experiment: experiments[name], settings: {} };
}

/**
 * Returns the location of the data set.
 * @param usual the location if the command does not give one
 * @throws UsageError if the experiment reads a data set and none is given, or if one is given and it reads none
 */
export function readDataPath(
  args: Arguments,
  name: string,
  { readsFiles }: Experiment,
  usual?: string,
): string | undefined {
  const path = args.text("data-path") ?? usual;
  if (readsFiles && path === undefined) {
    throw new UsageError(`--data-path is missing: ${name} reads its samples from files`);
  }
  if (!readsFiles && path !== undefined)
    throw new UsageError(`${name} makes its samples itself: leave out --data-path`);
  return path;
}

/** Returns the list of samples in a data set, if its path is that of such a list. */
export function listIn(dataPath: string | undefined): string | undefined {
  return dataPath !== undefined && isFile(dataPath) ? basename(dataPath) : undefined;
}

/** Opens the folder at a path, or the folder of the list at it. */
export function openSource(dataPath: string): DataSource {
  return new FolderSource(isFile(dataPath) ? dirname(resolve(dataPath)) : dataPath);
}
