// The interface of an experiment: options, a model, samples, and the comparison of both. The command line, workers and pages run
// any experiment through it.

import type { ErwinConfigInput, GivenConfig } from "../erwin/config.ts";
import type { SafeTensor } from "../formats/bytes/elements.ts";
import type { Cells } from "../formats/clouds/cells.ts";
import type { Module } from "../nn/module.ts";
import type { Metrics } from "../train/evaluate.ts";
import type { DataSet, Task } from "../train/task.ts";
import type { DataSource } from "./data-source.ts";
import type { Options, OptionValues, trainingOptions } from "./options.ts";

export const splitNames = ["train", "val", "test"] as const;
/** The splits of a data set. */
export type SplitName = (typeof splitNames)[number];

/** Samples with names: a car, or a trajectory and its window. */
export interface Split<Sample> extends DataSet<Sample> {
  nameOf(index: number): string;
  /** A remark for the user about the split, such as that the data set is not complete. */
  readonly note?: string;
}

/** A sample whose files are damaged. */
export interface BadSample {
  split: SplitName;
  sample: string;
  problem: string;
}

/** Receives a damaged sample, which is skipped. */
export type OnBad = (bad: BadSample) => void;

type TrainingOptions = ReturnType<typeof trainingOptions>;

/** The options that every experiment has, besides its own. */
export type ExperimentOptions = OptionValues<TrainingOptions>;

/** The declaration of an experiment's options: those of every training by their names, so that their values are known to be there. */
export type ExperimentDeclaration = TrainingOptions & Options;

/** Losses of trivial predictors by name: what a model has to beat. */
export type Baselines = Record<string, number>;

/** Values of each point that a model sees or predicts, and their standardisation. */
export interface DataField {
  /** The name in the data: "pressure". */
  name: string;
  /** The number of values per point. */
  channels: number;
  /** [channels] subtracted from the values; default 0. */
  mean?: readonly number[];
  /** [channels] divisor of the values; default 1. */
  deviation?: readonly number[];
  /** Of classes: their labels, if they have such. */
  labels?: readonly (string | number)[];
}

/** A model's prediction of a field at the points of a sample, in the data's own units. */
export interface PredictedField {
  /** The name in the data: "pressure". */
  name: string;
  /** The number of values per point. */
  channels: number;
  /** [points, channels] */
  prediction: Float32Array | Float64Array;
  /** [points, channels] the true values, if they are known. */
  truth?: Float32Array | Float64Array;
  /** [points, channels] of a sequence whose values may be missing: those it goes on from; where they are NaN, so is the prediction. */
  state?: Float32Array | Float64Array;
  /** [points, channels] the standard deviation that the model predicts, if it predicts one. */
  deviation?: Float32Array | Float64Array;
  /** Whether the values are classes, which are right or wrong. */
  isClass?: boolean;
  /** Of classes: the numbers of those that do not count. */
  ignore?: readonly number[];
  /** Of classes: the labels that files have in place of their numbers. */
  labels?: ReadonlyMap<number, string | number>;
  /** Whether they are of the whole sample: then they are the same at all points. */
  isWhole?: boolean;
}

/** A model's prediction for a sample, in the data's own units. */
export interface SamplePrediction {
  /** [points, dimensionality] */
  positions: Float32Array;
  dimensionality: number;
  /** The mesh between the points, or between `corners`, if the sample has one. */
  cells?: Cells;
  /** [m, 3] the points of the mesh, where those of the sample are the centres of its cells. */
  corners?: SafeTensor;
  /** The number of points along each axis of the grid that they form, if the sample has one; they follow one another along the last. */
  grid?: readonly number[];
  fields: readonly PredictedField[];
  /** The time of the frame, if the sample is a sequence. */
  time?: number;
}

/** The evaluation of predictions that are computed step by step from the model's own predictions. */
export interface Rollout {
  /** Means over the samples, by the names of the task's metrics; absent if these are measured step by step, without a rollout. */
  metrics?: Metrics;
  /**
   * Error curves by name, averaged over the samples that are long enough: the running mean of an error up to each step, or for
   * sequences of the user's own files the error at each step.
   */
  curves: Record<string, number[]>;
}

/**
 * An experiment. A run uses its parts in this order: `config` (or a checkpoint's own), `build`, `load`, `task`.
 * `Model` is a wrapper around Erwin; nothing outside looks into `Sample` and `Batch`.
 */
export interface Experiment<
  Values extends ExperimentOptions = ExperimentOptions,
  Model extends Module = Module,
  Sample = unknown,
  Batch = unknown,
> {
  /** A summary of one line. */
  readonly summary: string;
  /** The options: those of every training, and its own. */
  readonly options: ExperimentDeclaration;
  /** Whether `load` reads files; experiments that generate their samples do not. */
  readonly readsFiles: boolean;
  /** The fields that the model sees and predicts, for readers of a run's folder. */
  readonly fields?: { inputs: readonly DataField[]; targets: readonly DataField[] };
  /** Returns the config of the main model. */
  config(options: Values): ErwinConfigInput;
  /** Builds a model of this config, without values. @throws ConfigError */
  build(config: GivenConfig): Model;
  /**
   * Loads a split; undefined if the experiment has no such split.
   * @param onBad receives samples that are already found to be damaged, and are skipped; without it that is an error
   * @throws FormatError naming a file that is missing or damaged
   */
  load(split: SplitName, options: Values, source?: DataSource, onBad?: OnBad): Promise<Split<Sample> | undefined>;
  /** Returns the computation on a batch. */
  task(model: Model, options: Values): Task<Sample, Batch>;
  /**
   * Returns losses of trivial predictors on held-out samples.
   * @param train the data that a predictor may use
   */
  baselines(heldOut: DataSet<Sample>, train: DataSet<Sample>): Promise<Baselines>;
  /**
   * Returns the metrics of trivial predictors over a split, by the predictors' names and those of the task's metrics. Only
   * experiments that know their training data's statistics without reading it have it.
   */
  baselineMetrics?(data: DataSet<Sample>): Promise<Record<string, Metrics>>;
  /**
   * Evaluates the test split by predictions that are computed step by step from the model's own, one sample at a time. Only
   * experiments in time have it. The number of steps is an option of the experiment.
   * @param model in evaluation mode
   * @param onSample receives the metrics of each sample, in the order of samples
   */
  rollout?(
    model: Model,
    data: DataSet<Sample>,
    options: Values,
    onSample?: (metrics: Metrics) => void,
  ): Promise<Rollout>;
  /**
   * Returns predictions for one sample. Only experiments with an output at each point have it. For sequences they are those of some
   * frames, in the order of time; for all others there is one.
   * @param model in evaluation mode
   * @param mostFrames of a sequence, evenly spread (default 16)
   */
  predict?(model: Model, sample: Sample, options: Values, mostFrames?: number): Promise<SamplePrediction[]>;
}
