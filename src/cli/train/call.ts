// The arguments of a call of erwin train, and the settings among them that decide the run's results.

import { resolve } from "node:path";
import type { Experiment, ExperimentOptions } from "../../experiments/experiment.ts";
import { resolveOptions } from "../../experiments/options.ts";
import { settingsOf } from "../../experiments/settings.ts";
import { type Arguments, UsageError } from "../command.ts";
import { readRunConfig, type Settings } from "../files/run-folder.ts";
import { givenOptions } from "../options/experiment.ts";
import { chooseExperiment, readDataPath } from "../options/experiment-choice.ts";
import { type DeviceChoice, readTrainingDevice } from "../options/shared.ts";
import { type PredictionFormat, predictionFormats } from "./predictions.ts";

/** The max number of samples whose predictions are written: a data set may contain tens of thousands. */
export const MAX_PREDICTIONS = 256;

/** The parsed arguments of a call. */
export interface Call {
  name: string;
  experiment: Experiment;
  options: ExperimentOptions;
  dataPath: string | undefined;
  init: string | undefined;
  partial: boolean;
  /** What decides the run's results besides options, data and initial weights. */
  described: Settings;
  skipBad: boolean;
  /** The format of the predictions; undefined if none are written. */
  predictions: PredictionFormat | undefined;
  mostPredictions: number;
  useWandb: boolean;
  /** The number of workers that make batches; undefined for the number that suits the device. */
  workers: number | undefined;
  device: DeviceChoice;
}

export async function readCall(args: Arguments): Promise<Call> {
  const begun = args.has("out") ? readRunConfig(args.required("out")) : undefined;
  const { name, experiment, settings: described } = await chooseExperiment(args, begun);
  if (args.has("partial") && !args.has("init"))
    throw new UsageError("--partial is of --init FILE: give the weights, too");
  const predictions = args.choice("predictions", [...predictionFormats, "off"] as const) ?? "vtu";
  return {
    name,
    experiment,
    options: resolveOptions(experiment.options, givenOptions(args, name, experiment.options)) as ExperimentOptions,
    dataPath: readDataPath(args, name, experiment),
    init: args.text("init"),
    partial: args.has("partial"),
    described,
    skipBad: args.has("skip-bad"),
    predictions: predictions === "off" ? undefined : predictions,
    mostPredictions: args.count("max-predictions") ?? MAX_PREDICTIONS,
    useWandb: args.choice("use-wandb", ["0", "1"] as const) === "1",
    workers: args.number("num-workers", "a whole number", (count) => Number.isInteger(count) && count >= 0),
    device: readTrainingDevice(args),
  };
}

/** Returns what decides the run's results. */
export function allSettings({ options, dataPath, init, partial, described, skipBad, device }: Call): Settings {
  return {
    ...described,
    ...settingsOf(options),
    ...(dataPath !== undefined && { "data-path": resolve(dataPath) }),
    ...(init !== undefined && { init: resolve(init) }),
    ...(partial && { partial: "on" }),
    ...(skipBad && { "skip-bad": "on" }),
    precision: device.precision ?? "float32",
    ...(device.gradientPrecision === "half" && { "gradient-precision": "half" }),
  };
}
