// What an experiment is: options, a model, samples, and how they are compared. The command line, workers and pages run any of
// them by these parts.

import type { ErwinConfigInput } from "../erwin/config.ts";
import type { Cells } from "../formats/cells.ts";
import type { Module } from "../nn/module.ts";
import type { Metrics } from "../train/evaluate.ts";
import type { DataSet, Task } from "../train/task.ts";
import type { DataSource } from "./data-source.ts";
import type { Options, OptionValues, TrainingDefaults, trainingOptions } from "./options.ts";

export const splitNames = ["train", "val", "test"] as const;
/** The splits of a data set. */
export type SplitName = (typeof splitNames)[number];

/** Samples that have names: a car, a trajectory and its window. */
export interface Split<Sample> extends DataSet<Sample> {
  nameOf(index: number): string;
  /** What is worth telling about the split, such as that the data set is not complete. */
  readonly note?: string;
}

/** A sample whose files are damaged. */
export interface BadSample {
  split: SplitName;
  sample: string;
  problem: string;
}

/** Hears of a damaged sample, which is left out. */
export type OnBad = (bad: BadSample) => void;

/** What every experiment's options hold, besides its own. */
export type ExperimentOptions = OptionValues<ReturnType<typeof trainingOptions>>;

/** Losses of predictors that take no learning, by name: what a model has to beat. */
export type Baselines = Record<string, number>;

/** Numbers of each point that a model sees or predicts, and how they are standardised for it. */
export interface DataField {
  /** As the data calls it: "pressure". */
  name: string;
  /** Numbers of a point. */
  channels: number;
  /** [channels] what is subtracted; default 0. */
  mean?: readonly number[];
  /** [channels] what is divided by; default 1. */
  deviation?: readonly number[];
}

/** A field as a model has it at the points of a sample, in the data's own units. */
export interface PredictedField {
  /** As the data calls it: "pressure". */
  name: string;
  /** Numbers of a point. */
  channels: number;
  /** [points, channels] */
  prediction: Float32Array | Float64Array;
  /** [points, channels] where it is known. */
  truth?: Float32Array | Float64Array;
  /** [points, channels] how far off the model thinks it may be, where it says so. */
  deviation?: Float32Array | Float64Array;
  /** Whether the numbers are classes, which are right or wrong. */
  isClass?: boolean;
}

/** What a model says of a sample, in the data's own units. */
export interface SamplePrediction {
  /** [points, dimensionality] */
  positions: Float32Array;
  dimensionality: number;
  /** The mesh between the points, where the sample has one. */
  cells?: Cells;
  fields: readonly PredictedField[];
  /** Where a sample is a sequence: the frame's place in time. */
  time?: number;
}

/** What predictions that feed on themselves come to. */
export interface Rollout {
  /** Means over the samples, by the names of the task's metrics; absent where these are measured step by step, without a rollout. */
  metrics?: Metrics;
  /**
   * Error curves by name, averaged over the samples that go as far: the running mean of an error up to each step, or of sequences of
   * one's own files the error at it.
   */
  curves: Record<string, number[]>;
}

/**
 * An experiment. A run takes its parts in this order: `config` (or a checkpoint's own), `build`, `load`, `task`.
 * `Model` is its wrapper around Erwin; `Sample` and `Batch` are its own business.
 */
export interface Experiment<
  Values extends ExperimentOptions = ExperimentOptions,
  Model extends Module = Module,
  Sample = unknown,
  Batch = unknown,
> {
  /** One line. */
  readonly summary: string;
  /** Those of `trainingOptions` among them. */
  readonly options: Options;
  /** Whether `load` reads files: those that do not make their samples themselves. */
  readonly readsFiles: boolean;
  /** What the model sees and predicts, for those who read a run's folder. */
  readonly fields?: { inputs: readonly DataField[]; targets: readonly DataField[] };
  /** The main model's shape. */
  config(options: Values): ErwinConfigInput;
  /** A model of this shape, without values. @throws ConfigError */
  build(config: ErwinConfigInput | Readonly<Record<string, unknown>>): Model;
  /**
   * A split's samples; undefined where the experiment has no such split.
   * @param onBad hears of what is found to be damaged already now, and left out; without it that is an error
   * @throws FormatError naming the file that is missing or damaged
   */
  load(split: SplitName, options: Values, source?: DataSource, onBad?: OnBad): Promise<Split<Sample> | undefined>;
  /** What is computed of a batch. */
  task(model: Model, options: Values): Task<Sample, Batch>;
  /**
   * Losses of trivial predictors on held-out samples.
   * @param train what a predictor may know
   */
  baselines(heldOut: DataSet<Sample>, train: DataSet<Sample>): Promise<Baselines>;
  /**
   * Evaluates the test split by predictions that feed on themselves, step by step, one sample at a time: experiments in time
   * only. How many steps is an option of theirs.
   * @param model in evaluation mode
   * @param onSample hears the numbers of each sample, in the order of samples
   */
  rollout?(
    model: Model,
    data: DataSet<Sample>,
    options: Values,
    onSample?: (metrics: Metrics) => void,
  ): Promise<Rollout>;
  /**
   * What the model says of one sample: experiments with an output at each point only. Sequences give some of their frames, in
   * the order of time; all others one.
   * @param model in evaluation mode
   */
  predict?(model: Model, sample: Sample, options: Values): Promise<SamplePrediction[]>;
}

export type { TrainingDefaults };
