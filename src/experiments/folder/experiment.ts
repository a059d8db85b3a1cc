// An experiment on a user's own folder of meshes and fields, which a config describes.

import type { AbortOptions } from "../../abort.ts";
import { expectKind } from "../../arguments/kinds.ts";
import { CheckpointError, ConfigError } from "../../errors.ts";
import { Opaque } from "../../inspect.ts";
import type { DataSet } from "../../train/task.ts";
import { spread } from "../baselines.ts";
import { type DataSource, expectSource } from "../data-source.ts";
import type {
  DataField,
  Experiment,
  ExperimentDeclaration,
  PredictedField,
  Rollout,
  SamplePrediction,
} from "../experiment.ts";
import { type Option, type OptionValues, whole } from "../options.ts";
import { readOutput } from "../prediction.ts";
import { baselineLosses, baselineMetrics } from "./baselines.ts";
import type { FieldCloud } from "./cloud.ts";
import { type Field, type FolderConfig, folderOptions, resolveFolderConfig } from "./config.ts";
import type { FolderData } from "./data.ts";
import { type Known, type Layout, layOut } from "./layout.ts";
import { readers } from "./lazy.ts";
import { withoutNaN } from "./missing.ts";
import { FieldModel } from "./model.ts";
import { predictionsOf } from "./predictions.ts";
import { rollOut, rolloutErrors } from "./rollout.ts";
import type { FieldSample } from "./sample.ts";
import type { Scaling, Statistics } from "./statistics.ts";
import { type FieldBatch, fieldTask, prepareClouds } from "./task.ts";

/** The name of the experiment in checkpoints. */
export const FOLDER = "folder";

/** What is known about a folder besides its config. */
export interface FolderExperimentOptions {
  /** The statistics of the training split, if they are known from an earlier run; else `load` of that split computes them. */
  statistics?: Statistics;
  /** A file in the source that lists samples (.txt), or the samples of each split (.json, .yaml), or holds all frames. */
  list?: string;
}

type Values = OptionValues<typeof folderOptions> & { rollout?: number };

/** An experiment on a folder of files, with prediction of single samples. */
export interface FolderExperiment extends Experiment<Values, FieldModel, FieldCloud, FieldBatch> {
  /** @internal The config, with its defaults. */
  readonly described: FolderConfig;
  /** @internal The layout of the fields in the model's rows. @throws ConfigError before the statistics are known */
  readonly layout: Layout;
  /** @internal The statistics of the training split. @throws ConfigError before they are known */
  readonly statistics: Statistics;
  /** Returns the predictions for one sample. @param model in evaluation mode @throws the signal's reason, once it is aborted */
  predictFields(model: FieldModel, cloud: FieldCloud, options?: AbortOptions): Promise<PredictedField[]>;
  /**
   * Predicts a sequence from its first frame, each frame from the prediction before it.
   * @param model in evaluation mode
   * @param frames as far apart as the config's stride
   * @throws the signal's reason, once it is aborted
   */
  rollOut(
    model: FieldModel,
    frames: AsyncIterable<FieldSample>,
    options?: AbortOptions,
  ): AsyncGenerator<PredictedField[]>;
}

/**
 * Makes an experiment on a folder. Its parts are used in the order that `Experiment` gives; with known statistics, in any order.
 * @param given a config that was read from YAML or JSON
 * @throws ConfigError for an invalid config: `details.field` is the path of what is wrong
 */
export function folderExperiment(given: unknown, options: FolderExperimentOptions = {}): FolderExperiment {
  return new FieldsOfFolder(given, resolveFolderConfig(given), options);
}

/** Not a plain object: of such, what keeps state (Immer, Redux Toolkit) takes the values of its getters once, before they are known. */
class FieldsOfFolder extends Opaque implements FolderExperiment {
  readonly summary = "fields on the points of your own files, as a config describes them";
  readonly readsFiles = true;
  readonly described: FolderConfig;
  readonly options: ExperimentDeclaration;
  readonly rollout?: FolderExperiment["rollout"];
  readonly #given: unknown;
  readonly #list: string | undefined;
  #known: Known | undefined;
  #found: { source: DataSource; data: Promise<FolderData> } | undefined;

  constructor(given: unknown, config: FolderConfig, { statistics, list }: FolderExperimentOptions) {
    super();
    this.described = config;
    this.options = optionsOf(config);
    this.#given = given;
    this.#list = list;
    this.#known = statistics && this.#knownBy(statistics);
    const { sequence } = config;
    if (sequence) this.rollout = (model, data, { rollout }) => this.#curves(model, data, sequence, rollout);
  }

  get layout(): Layout {
    return this.#expectKnown().layout;
  }

  get statistics(): Statistics {
    return this.#expectKnown().statistics;
  }

  get fields(): Experiment["fields"] {
    return this.#known && fieldsOf(this.#known.layout);
  }

  // These are functions and not methods, since those who have an experiment may take one of them alone.
  readonly config: FolderExperiment["config"] = () => ({
    ...this.described.model,
    dimensionality: this.layout.dimensions,
    ...(this.described.graph.kind === "none" && { mpSteps: 0 }),
  });

  readonly build: FolderExperiment["build"] = (shape) => {
    const { layout, statistics } = this.#expectKnown();
    const data = JSON.stringify({ config: this.#given, statistics }, withoutNaN);
    return new FieldModel(shape, layout, { experiment: FOLDER, data });
  };

  readonly load: FolderExperiment["load"] = async (split, _, given, onBad) => {
    const data = await this.#dataOf(expectSource(FOLDER, given));
    this.#known ??= this.#knownBy(await data.statistics(onBad));
    return data.split(split, this.#known.layout, this.#known.statistics);
  };

  readonly task: FolderExperiment["task"] = (model) => fieldTask(model, this.layout, this.described.graph);

  readonly baselines: FolderExperiment["baselines"] = async (heldOut) =>
    baselineLosses(await spread(heldOut), this.#expectKnown());

  readonly baselineMetrics = async (data: DataSet<FieldCloud>) => baselineMetrics(data, this.#expectKnown());

  readonly predictFields: FolderExperiment["predictFields"] = async (model, cloud, { signal } = {}) => {
    const { layout } = this;
    const { input } = await prepareClouds(model, [cloud], layout, this.described.graph, { signal });
    return predictionsOf(await readOutput(await model.forward(input), { signal }), cloud, layout);
  };

  readonly rollOut: FolderExperiment["rollOut"] = (model, frames, { signal } = {}) =>
    rollOut(model, frames, { layout: this.layout, graph: this.described.graph, signal });

  readonly predict = async (model: FieldModel, cloud: FieldCloud): Promise<SamplePrediction[]> => {
    const { positions, dimensions: dimensionality, cells, corners, grid } = cloud.pair.sample;
    const fields = await this.predictFields(model, cloud);
    return [{ positions: Float32Array.from(positions), dimensionality, cells, corners, grid: grid?.sizes, fields }];
  };

  #knownBy(statistics: Statistics): Known {
    return { statistics, layout: layOut(this.described, statistics) };
  }

  #expectKnown(): Known {
    if (this.#known) return this.#known;
    throw new ConfigError("the statistics of the training split are not known: load that first", {
      field: "statistics",
    });
  }

  #dataOf(source: DataSource): Promise<FolderData> {
    if (this.#found?.source !== source) {
      this.#found = { source, data: findData(this.described, source, this.#list) };
    }
    return this.#found.data;
  }

  async #curves(
    model: FieldModel,
    data: DataSet<FieldCloud>,
    { stride, rollout }: NonNullable<FolderConfig["sequence"]>,
    steps = rollout,
  ): Promise<Rollout> {
    const { layout } = this;
    return { curves: await rolloutErrors(model, data, { layout, graph: this.described.graph, stride, steps }) };
  }
}

const findData = async (...what: Parameters<typeof FolderData.find>): Promise<FolderData> =>
  (await readers()).FolderData.find(...what);

/** Returns the fields that the model sees and predicts, with their standardisation. */
function fieldsOf({ dimensions, positions, inputs, globals, state, history, targets }: Layout): Experiment["fields"] {
  const scaled = (name: string, channels: number, { shift: mean, scale: deviation }: Scaling): DataField => ({
    name,
    channels,
    mean,
    deviation,
  });
  const ofClasses = ({ name, classes = 0, labels }: Field): DataField => ({
    name,
    channels: classes,
    ...(labels && { labels: labels.slice(0, classes) }),
  });
  const seen = [...inputs, ...globals, ...state].map(({ field, width, scaling }) =>
    field.classes === undefined ? scaled(field.name, width, scaling) : ofClasses(field),
  );
  const changes = history.map(({ field, back, width, scaling }) =>
    scaled(`change of ${field.name}, ${back} back`, width, scaling),
  );
  return {
    inputs: [scaled("positions", dimensions, positions), ...seen, ...changes],
    targets: targets.map(({ target, width, scaling }) =>
      target.classes === undefined ? scaled(target.name, width, scaling) : ofClasses(target),
    ),
  };
}

/** Returns the options of training, with the config's values as their defaults. */
function optionsOf({ training, sequence }: FolderConfig): ExperimentDeclaration {
  const values = training as Readonly<Record<string, unknown>>;
  const own = Object.entries(folderOptions).map(([name, option]) => [
    name,
    { ...option, default: values[name] } as Option,
  ]);
  return {
    ...(Object.fromEntries(own) as typeof folderOptions),
    ...(sequence && { rollout: whole(sequence.rollout, "steps that a test predicts from a sequence's first frame") }),
  };
}

/**
 * Returns the experiment that a trained model belongs to.
 * @param metadata the metadata of the model's file
 * @param file its name in error messages
 * @throws CheckpointError if the file does not describe its fields; InputError for what is no metadata
 */
export function folderExperimentOf(
  metadata: Readonly<Record<string, string>>,
  file: string,
  options: Pick<FolderExperimentOptions, "list"> = {},
): FolderExperiment {
  const isObject = typeof metadata === "object" && metadata !== null;
  expectKind("metadata", metadata, "the metadata of a model's file, texts by their names", isObject);
  const wrong = (problem: string, cause?: unknown) => new CheckpointError(`${file}: ${problem}`, { file }, { cause });
  if (metadata.data === undefined) throw wrong('does not say what its fields are: its metadata has no "data".');
  try {
    const { config, statistics } = JSON.parse(metadata.data) as { config: unknown; statistics: Statistics };
    return folderExperiment(config, { statistics, ...options });
  } catch (cause) {
    throw wrong(`what its metadata says of its fields cannot be: ${(cause as Error).message}`, cause);
  }
}
