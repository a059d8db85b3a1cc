// erwin train: trains an experiment's model, keeps its checkpoints and draws its loss curve.

import { join, resolve } from "node:path";
import process from "node:process";
import { version } from "../../../package.json";
import type { Baselines, Experiment, ExperimentOptions } from "../../experiments/experiment.ts";
import { experiments } from "../../experiments/index.ts";
import { resolveOptions } from "../../experiments/options.ts";
import { type ExperimentRun, fitOptions, openRun } from "../../experiments/run.ts";
import {
  type Device,
  FitController,
  type FitProgress,
  type FitResult,
  fit,
  InputError,
  JsonLinesLogger,
} from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { drawCurves } from "../curve.ts";
import { describeDevice, withDevice } from "../device.ts";
import { chooseExperiment, openSource } from "../experiment-choice.ts";
import { experimentFlags, flagOf, givenOptions, textOf } from "../experiment-options.ts";
import { readBytes, writeWhole } from "../files.ts";
import { deviceOptions, readDeviceChoice } from "../options.ts";
import { withProgress } from "../progress.ts";
import { CONFIG_FILE, CURVE_FILE, METRICS_FILE, RunFolder, type Settings } from "../run-folder.ts";
import { formatTime } from "../text.ts";

const names = Object.keys(experiments);
/** What may differ from one call to the next of the same run. */
const freeOptions: readonly string[] = ["saveEvery", "logEvery"];

export const train: Command = {
  summary: "train an experiment's model; interrupted, it goes on where it was",
  usage: `${names.join("|")} --out FOLDER [--data-path FOLDER] [--size small|medium|large] [--steps N] [--batch-size N] [--lr X] ...
       erwin train --data-path FOLDER --config FILE --out FOLDER [KEY=VALUE ...]`,
  options: {
    out: {
      value: "FOLDER",
      description: `for ${CONFIG_FILE}, checkpoints, ${METRICS_FILE} and ${CURVE_FILE}; goes on from the last checkpoint in it`,
    },
    "data-path": {
      value: "FOLDER",
      description:
        "the data set, of experiments that read one; of your own files also a list of them (.txt, or splits in .json or .yaml)",
    },
    config: {
      value: "FILE",
      description:
        "how to train on a folder of your own files (YAML; erwin init writes one); KEY=VALUE takes the place of what it says",
    },
    init: {
      value: "FILE",
      description: "weights to begin with (.safetensors); a config in its metadata decides the model's shape",
    },
    resume: { description: "refuse to begin anew: there must be a checkpoint to go on from" },
    ...experimentFlags(),
    ...deviceOptions,
  },
  notes: [
    "The same command goes on with a run that was interrupted. Its settings must be the same, those of the device,",
    "--log-every and --save-every aside.",
    "",
    ...Object.entries(experiments).map(([name, { summary }]) => `${name}: ${summary}`),
  ],
  positionals: Number.POSITIVE_INFINITY,
  run,
};

async function run(args: Arguments): Promise<void> {
  const folder = new RunFolder(args.required("out"));
  const { name, experiment, settings: described } = await chooseExperiment(args, folder.config);
  const options = resolveOptions(experiment.options, givenOptions(args, name, experiment.options)) as ExperimentOptions;
  const dataPath = readDataPath(args, name, experiment);
  const choice = readDeviceChoice(args);
  const init = args.text("init");
  const settings: Settings = {
    ...described,
    ...Object.fromEntries(
      Object.entries(options)
        .filter(([option]) => !freeOptions.includes(option))
        .map(([option, value]) => [flagOf(option), textOf(value)]),
    ),
    ...(dataPath !== undefined && { "data-path": resolve(dataPath) }),
    ...(init !== undefined && { init: resolve(init) }),
    precision: choice.precision ?? "float32",
  };

  folder.expectSame(name, settings);
  if (args.has("resume") && !folder.begun) {
    throw new InputError(`There is no checkpoint to go on from in "${folder.folder}".`, { file: folder.folder });
  }
  const weights = init === undefined ? undefined : { bytes: readBytes(init), file: init };
  await withDevice(choice, async (device) => {
    const { steps, batchSize } = options;
    console.log(`training ${name} on ${describeDevice(device)}: ${steps} steps of ${batchSize}`);
    const source = dataPath === undefined ? undefined : openSource(dataPath);
    const made = await withProgress("reading the samples", () =>
      openRun(name, experiment, { device, options, source, init: weights }),
    );
    try {
      describeSamples(made);
      folder.begin({ experiment: name, settings, ...describeRun(made, device) });
      const result = await fitRun(name, folder, made, fitOptions(options));
      const baselines = await experiment.baselines(
        made.testData ?? made.validationData ?? made.trainData,
        made.trainData,
      );
      report(result, steps, baselines);
      writeWhole(join(folder.folder, CURVE_FILE), curveOf(name, folder, baselines));
      console.log(`loss curve: ${join(folder.folder, CURVE_FILE)}`);
    } finally {
      made.model.dispose();
    }
  });
}

/**
 * Where the data set is.
 * @param usual taken where the command does not say
 * @throws UsageError where the experiment reads a data set and none is given, or the other way round
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

async function fitRun(
  name: string,
  folder: RunFolder,
  { model, task, trainData, validationData, testData }: ExperimentRun,
  options: ReturnType<typeof fitOptions>,
): Promise<FitResult> {
  const controller = new FitController();
  const interrupt = () => controller.stop();
  process.on("SIGINT", interrupt);
  try {
    return await withProgress(`training ${name}`, (show) =>
      fit({
        model,
        task,
        trainData,
        validationData,
        testData,
        ...options,
        store: folder.store,
        controller,
        logger: new JsonLinesLogger((line) => folder.log(line)),
        config: { experiment: name, ...model.metadata() },
        onProgress: (progress) => {
          show(progress.step, progress.steps);
          if (!process.stderr.isTTY && progress.step % 100 === 0) console.log(describeProgress(progress));
        },
      }),
    );
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

function describeSamples({ trainData, validationData, testData }: ExperimentRun): void {
  const count = (size: number | undefined, what: string) => (size === undefined ? [] : [`${size} ${what}`]);
  const counts = [
    ...count(trainData.size, "to train on"),
    ...count(validationData?.size, "to validate with"),
    ...count(testData?.size, "to test with"),
  ];
  console.log(`samples: ${counts.join(", ")}`);
  for (const note of new Set([trainData, validationData, testData].flatMap((split) => split?.note ?? []))) {
    console.log(note);
  }
}

function describeRun({ model, trainData, validationData, testData }: ExperimentRun, device: Device) {
  const { config, data } = model.metadata();
  const parsed = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as unknown));
  return {
    model: parsed(config),
    data: parsed(data),
    samples: { train: trainData.size, val: validationData?.size, test: testData?.size },
    version,
    device: describeDevice(device),
  };
}

function describeProgress({ step, steps, loss, lr, stepsPerSecond, secondsLeft }: FitProgress): string {
  return `step ${step}/${steps}  loss ${loss.toPrecision(4)}  lr ${lr.toExponential(1)}  ${stepsPerSecond.toFixed(2)} steps/s  ${secondsLeft.toFixed(0)} s left`;
}

function report({ step, finished, time, treeWait, validation, test }: FitResult, steps: number, baselines: Baselines) {
  const waited = `${formatTime(treeWait)} (${((100 * treeWait) / time).toFixed(1)} %)`;
  console.log(
    finished
      ? `done in ${formatTime(time)}; the device waited ${waited} for data`
      : `stopped after ${step} of ${steps} steps; the same command goes on from there`,
  );
  if (validation) console.log(`validation ${JSON.stringify(validation)}`);
  if (test) console.log(`test ${JSON.stringify(test)}`);
  for (const [name, loss] of Object.entries(baselines)) console.log(`without learning: ${name} ${loss.toPrecision(4)}`);
}

function curveOf(name: string, folder: RunFolder, baselines: Baselines): string {
  const entries = folder.entries;
  const curves = (["training", "validation"] as const).map((kind) => ({
    name: kind,
    points: entries.filter((entry) => entry.kind === kind).map(({ step, loss }) => [step, Number(loss)] as const),
  }));
  const references = Object.entries(baselines).map(([baseline, loss]) => ({ name: baseline, loss }));
  return drawCurves(
    `${name}: loss`,
    curves.filter(({ points }) => points.length > 0),
    references,
  );
}
