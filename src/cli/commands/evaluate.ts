// erwin evaluate: evaluates a trained model on a split of its experiment's data.

import { extname, join } from "node:path";
import { withoutBad } from "../../experiments/bad-samples.ts";
import type { DataSource } from "../../experiments/data-source.ts";
import {
  type BadSample,
  type Experiment,
  type ExperimentOptions,
  type OnBad,
  type Split,
  type SplitName,
  splitNames,
} from "../../experiments/experiment.ts";
import { FOLDER } from "../../experiments/folder/experiment.ts";
import { experimentNames, experimentOf } from "../../experiments/index.ts";
import { type Options, parseOption, resolveOptions } from "../../experiments/options.ts";
import { type InitialWeights, readModel } from "../../experiments/run.ts";
import { flagOf } from "../../experiments/settings.ts";
import { isTorchFile } from "../../formats/safetensors/safetensors.ts";
import { type Device, evaluate as evaluateSplit, InputError, loadSafetensors, type Metrics } from "../../index.ts";
import type { Module } from "../../nn/module.ts";
import { TorchCheckpoint } from "../../train/checkpoints/torch.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { describeDevice, withDevice } from "../device.ts";
import { checkOutput, isFolder, readBytes, writeWhole } from "../files/files.ts";
import { modelFile, type RunConfig, readRunConfig } from "../files/run-folder.ts";
import { evaluationFlags, givenOptions } from "../options/experiment.ts";
import { listIn, openSource, readDataPath } from "../options/experiment-choice.ts";
import { deviceOptions, readDeviceChoice } from "../options/shared.ts";
import { advisingSkipBad, skipBadOption } from "../options/skip-bad.ts";
import { drawCurves } from "../pictures/curve.ts";
import { printError, withProgress } from "../process/progress.ts";
import { formatTable } from "../text.ts";

export const evaluate: Command = {
  summary: "measure a trained model on a split of its experiment's data",
  usage:
    "--model FILE_OR_RUN [--experiment NAME] [--data-path FOLDER] [--split train|val|test] [--batch-size N] [--json FILE]",
  options: {
    model: {
      value: "FILE_OR_RUN",
      description: "a checkpoint (.safetensors, or PyTorch's .pt), or the folder of a run",
    },
    experiment: { value: "NAME", description: "what it was trained on, where neither the file nor the run says" },
    "data-path": { value: "FOLDER", description: "the data set (default: the run's own)" },
    split: { value: "train|val|test", description: "what it is measured on (default test)" },
    ...skipBadOption,
    json: { value: "FILE", description: "where the numbers are written, those of each sample among them" },
    ...evaluationFlags(),
    ...deviceOptions,
  },
  notes: [
    "Prints one line of JSON: experiment, split, clouds, loss, metrics. For own data a table compares the metrics with those of",
    "predictors that learn nothing; they are in the file of --json, too, as baselines.",
    "An experiment in time predicts its test split step by step; the running means of its errors are drawn and written as a table:",
    "beside the file of --json under its name, with the extensions .svg and .csv, or into the run's folder as rollout.svg and",
    "rollout.csv.",
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const given = args.required("model");
  const split = args.choice("split", splitNames) ?? "test";
  const json = args.text("json");
  const config = isFolder(given) ? readRunConfig(given) : undefined;
  const file = modelFile(given);
  if (json !== undefined) checkOutput(json, [file]);
  const bytes = readBytes(file);
  const torch = isTorchFile(bytes) ? new TorchCheckpoint(bytes, { file }) : undefined;
  const { name, experiment } = chooseExperiment(args, { bytes, file, torch }, config);
  const options = resolveOptions(experiment.options, {
    ...optionsOf(config, experiment.options),
    ...givenOptions(args, name, experiment.options),
  }) as ExperimentOptions;
  const dataPath = readDataPath(args, name, experiment, config?.settings["data-path"]);

  const skipBad = args.has("skip-bad");
  await withDevice(readDeviceChoice(args), (device) =>
    advisingSkipBad({ skipBad, others: [file, dataPath] }, async () => {
      const source = dataPath === undefined ? undefined : openSource(dataPath);
      const leftOut: BadSample[] = [];
      const data = await withProgress("reading the samples", () =>
        loadSplit(experiment, { split, options, source, onBad: skipBad && ((bad) => leftOut.push(bad)) }),
      );
      for (const { sample, problem } of leftOut) console.error(`left out ${sample}: ${problem}`);
      if (!data) throw withoutSamples(name, split, dataPath);
      if (data.note !== undefined) console.error(data.note);
      using model = readModel(experiment, { bytes, file, torch }, { device, name, options, onNote: printError });
      console.error(`evaluating ${name} on ${describeDevice(device)}: ${data.size} samples of the split ${split}`);
      const measured = await measure(experiment, model, { name, split, data, options, device });
      const baselines = await experiment.baselineMetrics?.(data);
      if (baselines) console.error(compare(measured.metrics, baselines));
      const summary = summaryOf(name, split, data, measured);
      if (json !== undefined) writeDetails(json, summary, { measured, baselines, leftOut });
      const { curves } = measured;
      const place = json !== undefined ? withoutExtension(json) : isFolder(given) ? join(given, "rollout") : undefined;
      if (curves && place !== undefined) writeCurves(place, name, curves);
      console.log(JSON.stringify(summary));
    }),
  );
}

/**
 * Returns the experiment that is asked for, or else the one that the model's file or its run names.
 * @throws UsageError if none is named; InputError if a file names one that is not known
 */
function chooseExperiment(args: Arguments, { bytes, file, torch }: InitialWeights, config: RunConfig | undefined) {
  const metadata = torch ? {} : loadSafetensors(bytes, { file }).metadata;
  const described = torch?.described ?? metadata;
  const name = args.text("experiment") ?? textOrNone(described.experiment) ?? config?.experiment;
  const list = listIn(args.text("data-path") ?? config?.settings["data-path"]);
  const experiment = name === undefined ? undefined : experimentOf(name, metadata, file, { list });
  if (name !== undefined && experiment) return { name, experiment };
  const known = experimentNames.join(", ");
  throw name === undefined || args.has("experiment")
    ? new UsageError(`Which experiment? --experiment is one of ${known}`)
    : new InputError(`${file}: its metadata names the experiment "${name}", which is none of ${known}.`, { file });
}

function withoutSamples(experiment: string, split: SplitName, dataPath: string | undefined): InputError {
  const others = splitNames.filter((other) => other !== split).join(" or ");
  const list = `, or name the samples in a file beside them: --data-path FILE.json with {"${split}": ["*"]}`;
  const advice = `measure another, --split ${others}${experiment === FOLDER ? list : ""}`;
  const problem = `${dataPath === undefined ? experiment : `"${dataPath}"`} has no samples in the split ${split}`;
  return new InputError(`${problem}: ${advice}.`, { split });
}

/** The line that is printed. */
function summaryOf(experiment: string, split: SplitName, { size }: Split<unknown>, { metrics: all }: Measured) {
  const { loss, ...metrics } = all;
  return { experiment, split, clouds: size, loss, metrics };
}

/** Writes all that was found out. */
function writeDetails(
  path: string,
  summary: object,
  found: { measured: Measured; baselines: Record<string, Metrics> | undefined; leftOut: readonly BadSample[] },
): void {
  const { measured, baselines, leftOut } = found;
  const { curves: rollout, samples } = measured;
  const details = {
    ...summary,
    ...(baselines && { baselines }),
    ...(rollout && { rollout }),
    ...(leftOut.length > 0 && { leftOut }),
    samples,
  };
  writeWhole(path, `${JSON.stringify(details, null, 2)}\n`);
}

interface SplitChoice {
  split: SplitName;
  options: ExperimentOptions;
  source: DataSource | undefined;
  /** Receives damaged samples; false if they are errors. */
  onBad: OnBad | false;
}

async function loadSplit(experiment: Experiment, { split, options, source, onBad }: SplitChoice) {
  if (!onBad) return experiment.load(split, options, source);
  const data = await experiment.load(split, options, source, onBad);
  return data && withoutBad(data, split, onBad);
}

const textOrNone = (value: unknown) => (typeof value === "string" ? value : undefined);
const withoutExtension = (path: string) => path.slice(0, path.length - extname(path).length);

interface Measured {
  /** The metrics, with `loss`. */
  metrics: Metrics;
  samples: ({ name: string } & Metrics)[];
  /** Error curves of rollouts. */
  curves?: Record<string, number[]>;
}

async function measure(
  experiment: Experiment,
  model: Module,
  {
    name,
    split,
    data,
    options,
    device,
  }: { name: string; split: string; data: Split<unknown>; options: ExperimentOptions; device: Device },
): Promise<Measured> {
  const samples: Measured["samples"] = [];
  return withProgress(`evaluating ${name}`, async (report) => {
    const onSample = (found: Metrics) => {
      samples.push({ name: data.nameOf(samples.length), ...found } as { name: string } & Metrics);
      report(samples.length, data.size);
    };
    const rollout = split === "test" ? await experiment.rollout?.(model, data, options, onSample) : undefined;
    const { metrics, curves } = rollout ?? {};
    if (metrics) return { samples, metrics, curves };
    const { batchSize } = options;
    const task = experiment.task(model, options);
    return { samples, metrics: await evaluateSplit({ device, task, data, batchSize, onSample }), curves };
  });
}

/** Returns a table of the model's metrics beside those of trivial predictors. */
function compare(metrics: Metrics, baselines: Readonly<Record<string, Metrics>>): string {
  const others = Object.entries(baselines);
  const shorten = (value: number | undefined) => (value === undefined ? "" : value.toPrecision(4));
  return formatTable([
    ["", "model", ...others.map(([name]) => name)],
    ...Object.entries(metrics).map(([name, value]) => [
      name,
      shorten(value),
      ...others.map(([, found]) => shorten(found[name])),
    ]),
  ]);
}

/** @param place the path of the files without their extensions */
function writeCurves(place: string, experiment: string, curves: Readonly<Record<string, readonly number[]>>): void {
  const names = Object.keys(curves);
  const steps = curves[names[0]].map((_, i) => [i + 1, ...names.map((name) => curves[name][i])].join(","));
  writeWhole(`${place}.csv`, `${[["step", ...names].join(","), ...steps].join("\n")}\n`);
  const drawn = names.map((name) => ({ name, points: curves[name].map((value, i) => [i + 1, value] as const) }));
  writeWhole(`${place}.svg`, drawCurves(`${experiment}: error of predictions step by step`, drawn));
  console.error(`error curves: ${place}.csv, ${place}.svg`);
}

/** Returns the options with which a run was begun. */
function optionsOf(config: RunConfig | undefined, options: Options): Record<string, unknown> {
  if (!config) return {};
  const known = Object.entries(options).flatMap(([name, option]) => {
    const text = config.settings[flagOf(name)];
    const value = text === undefined ? undefined : parseOption(option, text);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}
