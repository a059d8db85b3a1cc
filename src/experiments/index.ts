// The entry `erwin/experiments`: the experiments by name, and what is needed to run one anywhere.

import { cosmology } from "./cosmology/experiment.ts";
import { eagle } from "./eagle/experiment.ts";
import type { Experiment } from "./experiment.ts";
import { farthest } from "./farthest/experiment.ts";
import { md } from "./md/experiment.ts";
import { overfit } from "./overfit/experiment.ts";
import { shapenet } from "./shapenet/experiment.ts";

/** All experiments. */
export const experiments: Readonly<Record<string, Experiment>> = { cosmology, md, eagle, shapenet, farthest, overfit };

export { type ByteRange, type DataEntry, type DataSource, MemorySource } from "./data-source.ts";
export type {
  Baselines,
  Experiment,
  ExperimentOptions,
  PredictedField,
  SamplePrediction,
  Split,
  SplitName,
} from "./experiment.ts";
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
