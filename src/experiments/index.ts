// The entry `erwin/experiments`: the experiments by name, and functions to run one anywhere.

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

/** The names of all experiments: a config makes `folder` (`folderExperiment`), the others are in `experiments`. */
export const experimentNames: readonly string[] = [...Object.keys(experiments), FOLDER];

/**
 * Returns the experiment that a model belongs to.
 * @param metadata the metadata of the model's file
 * @param file its name in error messages
 * @param options.list for a folder: a file in it that lists samples
 * @returns undefined for an unknown name
 * @throws CheckpointError if the file does not contain enough information
 */
export function experimentOf(
  name: string,
  metadata: Readonly<Record<string, string>>,
  file: string,
  options: { list?: string } = {},
): Experiment | undefined {
  if (name === FOLDER) return folderExperimentOf(metadata, file, options);
  return Object.hasOwn(experiments, name) ? experiments[name] : undefined;
}

export type { BatchRequest } from "../train/data/loading.ts";
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
export type { FieldCloud } from "./folder/cloud.ts";
export {
  FOLDER,
  type FolderExperiment,
  type FolderExperimentOptions,
  folderExperiment,
  folderExperimentOf,
} from "./folder/experiment.ts";
export type { Grid as FieldGrid, GridRule as FieldGridRule } from "./folder/grid.ts";
export type { Label as ClassLabel } from "./folder/labels.ts";
export { survey } from "./folder/lazy.ts";
export type { FieldInput, FieldModel, PreparedFields } from "./folder/model.ts";
export { proposeConfig } from "./folder/propose.ts";
export type { Columns as FieldColumns, FieldSample } from "./folder/sample.ts";
export type { ColumnStatistics, Pair as FieldPair, Statistics } from "./folder/statistics.ts";
export {
  type FieldValues,
  type FileInput,
  type FilePrediction,
  type FoundSample,
  type SamplePredictionOptions,
  Surrogate,
  type SurrogateField,
  type SurrogateFileOptions,
  type SurrogateInput,
  type SurrogateOptions,
} from "./folder/surrogate.ts";
export type { FoundArray, Survey, SurveyOptions } from "./folder/survey.ts";
export type { TableChoice } from "./folder/table-choice.ts";
export type { FieldBatch } from "./folder/task.ts";
export { DataWorkers, type DataWorkersOptions } from "./loading/workers.ts";
export {
  type ChoiceOption,
  expectedOf,
  type NumberOption,
  type NumberOrWordOption,
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
