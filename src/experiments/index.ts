// The entry `erwin/experiments`: the experiments by name, and what is needed to run one anywhere.

import { cosmology } from "./cosmology/experiment.ts";
import { eagle } from "./eagle/experiment.ts";
import type { Experiment } from "./experiment.ts";
import { farthest } from "./farthest/experiment.ts";
import { FOLDER, folderExperimentOf } from "./folder/experiment.ts";
import { md } from "./md/experiment.ts";
import { overfit } from "./overfit/experiment.ts";
import { shapenet } from "./shapenet/experiment.ts";

/** All experiments. */
export const experiments: Readonly<Record<string, Experiment>> = { cosmology, md, eagle, shapenet, farthest, overfit };

/** Names of all experiments: `folder` is made by a config (`folderExperiment`), the others are in `experiments`. */
export const experimentNames: readonly string[] = [...Object.keys(experiments), FOLDER];

/**
 * The experiment that a model is of.
 * @param metadata the model file's
 * @param file its name in error messages
 * @param options.list of a folder: a file in it that lists samples
 * @returns undefined for a name that no experiment has
 * @throws CheckpointError where the file does not say enough
 */
export function experimentOf(
  name: string,
  metadata: Readonly<Record<string, string>>,
  file: string,
  options: { list?: string } = {},
): Experiment | undefined {
  if (name === FOLDER) return folderExperimentOf(metadata, file, options) as unknown as Experiment;
  return Object.hasOwn(experiments, name) ? experiments[name] : undefined;
}

export { type ByteRange, type DataEntry, type DataSource, MemorySource } from "./data-source.ts";
export type {
  BadSample,
  Baselines,
  DataField,
  Experiment,
  ExperimentOptions,
  OnBad,
  PredictedField,
  Rollout,
  SamplePrediction,
  Split,
  SplitName,
} from "./experiment.ts";
export {
  FOLDER,
  type FolderExperiment,
  type FolderExperimentOptions,
  folderExperiment,
  folderExperimentOf,
} from "./folder/experiment.ts";
export {
  type ChoiceOption,
  expectedOf,
  type NumberOption,
  type Option,
  type Options,
  type OptionValues,
  parseOption,
  resolveOptions,
  type SwitchOption,
} from "./options.ts";
export { type ExperimentRun, fitOptions, type InitialWeights, openRun, type RunOptions, readModel } from "./run.ts";
export { DirectorySource } from "./sources/directory.ts";
export { FileSource } from "./sources/files.ts";
export { type FileSizes, formatIndex, HttpSource, INDEX_FILE } from "./sources/http.ts";
