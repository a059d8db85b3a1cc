// erwin train: trains an experiment's model, and keeps all of the run in a folder.

import { join } from "node:path";
import process from "node:process";
import { version } from "../../../package.json";
import { estimateRunMemory, estimateRunTime } from "../../experiments/estimate.ts";
import type { BadSample } from "../../experiments/experiment.ts";
import { DataWorkers, experiments } from "../../experiments/index.ts";
import { type ExperimentRun, fitOptions } from "../../experiments/run.ts";
import { CONFIG_FILE, METRICS_FILE } from "../../experiments/run-files.ts";
import { defaultThreads } from "../../host/environment.ts";
import {
  type CheckpointStore,
  type Device,
  FitController,
  type FitResult,
  fit,
  InputError,
  type LogEntry,
  type Logger,
} from "../../index.ts";
import type { Arguments, Command } from "../command.ts";
import { describeDevice } from "../device.ts";
import { CURVE_FILE, RunFolder } from "../files/run-folder.ts";
import { experimentFlags } from "../options/experiment.ts";
import { listIn } from "../options/experiment-choice.ts";
import { trainingDeviceOptions } from "../options/shared.ts";
import { skipBadOption } from "../options/skip-bad.ts";
import { stoppedBySignals } from "../process/interruption.ts";
import { hostName } from "../process/program.ts";
import { printError, withProgress } from "../process/progress.ts";
import { endWithParent, printSigns } from "../process/signs.ts";
import { formatBytes, formatCount, formatDuration, formatPlural, formatTime } from "../text.ts";
import { allSettings, type Call, MAX_PREDICTIONS, readCall } from "../train/call.ts";
import { holdingRun } from "../train/holding-run.ts";
import { openLogs } from "../train/logs.ts";
import { type OpenedRun, withRun } from "../train/opened-run.ts";
import { PREDICTIONS_FOLDER, predictionFormats, writePredictions } from "../train/predictions.ts";
import { describeLeftOut, describeProgress, describeSamples, report } from "../train/report.ts";
import { WHOLE_FILE } from "../train/whole-table.ts";

const names = Object.keys(experiments);
export const train: Command = {
  summary: "train an experiment's model; the same command continues an interrupted run",
  usage: `${names.join("|")} --out FOLDER [--data-path FOLDER] [--size small|medium|large] [--steps N] [--batch-size N] [--lr X] ...
       erwin train --data-path FOLDER --config FILE --out FOLDER [KEY=VALUE ...]`,
  options: {
    out: {
      value: "FOLDER",
      description: "the run's folder, for all files that are listed below; a run in it is continued",
    },
    "data-path": {
      value: "FOLDER",
      description:
        "the data set, for experiments that read one; for your own files also a list of them (.txt, or splits in .json or .yaml), or one file of several frames",
    },
    config: {
      value: "FILE",
      description:
        "how to train on a folder of your own files (YAML; erwin init writes one); KEY=VALUE replaces a value in it",
    },
    init: {
      value: "FILE",
      description:
        "weights to begin with (.safetensors, or PyTorch's .pt); a config in the file decides the model's shape",
    },
    partial: {
      description:
        "of --init take what fits by name and shape; the rest, such as a head for other targets, begins anew",
    },
    resume: { description: "only continue a run: without a checkpoint, it is an error" },
    "dry-run": { description: "estimate the memory and the time of the run, from a few steps, and write nothing" },
    ...skipBadOption,
    predictions: {
      value: "NAME",
      description: `format of the test split's predictions: ${predictionFormats.join(", ")}; off for none (default vtu)`,
    },
    "max-predictions": {
      value: "N",
      description: `samples whose predictions are written, evenly spread over the split (default ${MAX_PREDICTIONS})`,
    },
    "use-wandb": {
      value: "0|1",
      description: "whether numbers also go to Weights & Biases, by its package @wandb/sdk",
    },
    "num-workers": {
      value: "N",
      description:
        "threads that read samples and build their trees (default: on a GPU one less than the processor has cores, at most 7; otherwise 0, which is the training's own thread)",
    },
    "signs-of-life": { description: "print a line now and then while it runs: how erwin sweep starts it" },
    ...experimentFlags(),
    ...trainingDeviceOptions,
  },
  notes: [
    "The same command continues an interrupted run. All settings must be the same, except those of the device, --patience,",
    "--log-every, --save-every and those of the files besides the checkpoints. A run that has ended by --patience goes on with more of",
    "it. A checkpoint is also written when 30 seconds have passed since the last one, with the next losses that are written down.",
    "Ctrl-C, SIGTERM and a closed terminal (but not under nohup) stop the run after the current step, with a checkpoint; a second",
    "Ctrl-C or SIGTERM ends the process at once.",
    "",
    `The run's folder: ${CONFIG_FILE}, model.safetensors (the best weights), last.safetensors (the checkpoint), ${METRICS_FILE}, the same`,
    `for TensorBoard (events.out.tfevents.*), ${CURVE_FILE}, ${PREDICTIONS_FOLDER}/.`,
    "",
    ...Object.entries(experiments).map(([name, { summary }]) => `${name}: ${summary}`),
  ],
  positionals: Number.POSITIVE_INFINITY,
  run,
};

async function run(args: Arguments): Promise<void> {
  if (args.has("signs-of-life")) {
    printSigns();
    endWithParent();
  }
  const call = await readCall(args);
  if (args.has("dry-run")) return dryRun(call);
  const out = args.required("out");
  // A process that a sweep starts may find one of a sweep that was killed, which ends after its step.
  await holdingRun(out, { patient: args.has("signs-of-life") }, (expectHeld) =>
    trainIn(new RunFolder(out), call, { mustContinue: args.has("resume"), expectHeld }),
  );
}

/** @param choice.expectHeld throws when another process has taken over the folder */
async function trainIn(
  folder: RunFolder,
  call: Call,
  { mustContinue, expectHeld }: { mustContinue: boolean; expectHeld: () => Promise<void> },
): Promise<void> {
  const settings = allSettings(call);
  folder.expectSame(call.name, settings);
  if (mustContinue && !folder.begun) {
    throw new InputError(`There is no checkpoint from which to continue in "${folder.folder}".`, {
      file: folder.folder,
    });
  }
  const leftOut: BadSample[] = [];
  await withRun(call, { leftOut, last: folder.last }, async (made, device) => {
    describeSamples(made);
    const config = () => ({
      experiment: call.name,
      settings,
      ...describeRun(call, made, device),
      ...(call.skipBad && { leftOut }),
    });
    folder.begin(config());
    const controller = new FitController();
    const logs = await openLogs(folder, { useWandb: call.useWandb, config: config() });
    const logger = { log: (entry: LogEntry) => expectHeld().then(() => logs.logger.log(entry)) };
    const store: CheckpointStore = {
      load: (name) => folder.store.load(name),
      save: (name, bytes) => expectHeld().then(() => folder.store.save(name, bytes)),
    };
    const result = await stoppedBySignals(
      "stopping after this step, with a checkpoint from which to continue",
      () => controller.stop(),
      async () => {
        const trained = await logs.around(() => fitRun(call, made, { controller, logger, store }));
        if (trained.finished) await predictTest(call, folder, made, controller.signal);
        return trained;
      },
    );
    // In training, damaged samples are found while it runs.
    if (call.skipBad) folder.write(config());
    await report(call, folder, made, result);
    describeLeftOut(leftOut);
  });
}

async function dryRun(call: Call): Promise<void> {
  const leftOut: BadSample[] = [];
  await withRun(call, { leftOut }, async (made) => {
    describeSamples(made);
    const memory = await estimateRunMemory(call.experiment, made, call.options);
    console.log(
      `memory: ${formatBytes(memory.model)} the model, ${formatBytes(memory.optimizer)} gradients and AdamW, ${formatBytes(memory.peak)} at most`,
    );
    const time = await withProgress("measuring some steps", () => estimateRunTime(made, call.options));
    const validated =
      time.validations > 0 ? `, ${formatPlural(time.validations, "validation")} of ${formatTime(time.validation)}` : "";
    console.log(`time: ${formatTime(time.step)} a step${validated}`);
    console.log(`in all: ${formatDuration(time.total)} for ${formatCount(call.options.steps)} steps`);
    describeLeftOut(leftOut);
  });
}

async function fitRun(
  call: Call,
  made: OpenedRun,
  outside: { controller: FitController; logger: Logger; store: CheckpointStore },
): Promise<FitResult> {
  const { name, options } = call;
  const { model, task, trainData, validationData, testData } = made;
  const workers = await startDataWorkers(call, made);
  const training = withProgress(`training ${name}`, (show) =>
    fit({
      model,
      task,
      trainData,
      validationData,
      testData,
      ...fitOptions(options),
      ...outside,
      config: { experiment: name, ...model.metadata() },
      onRecovery: ({ message }) => printError(message),
      onPlan: ({ checkpointing, parts }) =>
        printError(
          `memory: ${parts > 1 ? `each batch is computed in ${parts} parts` : `the next steps use less memory`}${checkpointing ? ", with gradient checkpointing" : ""}`,
        ),
      onProgress: (progress) => {
        show(progress.step, progress.steps);
        if (!process.stderr.isTTY && progress.step % 100 === 0) console.log(describeProgress(progress));
      },
      ...(workers && { prefetch: workers.prefetch, loadBatch: (request) => workers.load(request) }),
    }),
  );
  return training.finally(() => workers?.stop());
}

/** Starts the workers. By default a software adapter and the CPU backend have none, because they compute on the same processors. */
async function startDataWorkers(
  { name, options, dataPath, workers }: Call,
  { model, source, onBad }: OpenedRun,
): Promise<DataWorkers | undefined> {
  const { backend, info } = model.device;
  const count = workers ?? (backend === "webgpu" && !info.software ? defaultThreads() - 1 : 0);
  if (count === 0) return undefined;
  const setup = { name, options, metadata: model.metadata(), info, list: listIn(dataPath) };
  return DataWorkers.start(count, { ...setup, source, onBad });
}

async function predictTest(call: Call, folder: RunFolder, made: ExperimentRun, signal: AbortSignal): Promise<void> {
  const { experiment, options, predictions: format, mostPredictions: most } = call;
  const { model, testData } = made;
  if (!testData || !format || !experiment.predict) return;
  const written = await withProgress("predicting the test split", (onProgress) =>
    writePredictions({
      experiment,
      model,
      data: testData,
      options,
      folder: folder.folder,
      format,
      most,
      signal,
      onProgress,
    }),
  );
  const of = written.samples < testData.size ? ` of ${testData.size}` : "";
  const place = join(folder.folder, PREDICTIONS_FOLDER);
  console.log(`predictions of ${written.samples}${of} samples: ${place}`);
  if (written.hasTable) console.log(`predictions of whole samples beside the truth: ${join(place, WHOLE_FILE)}`);
}

/** Returns what is worth knowing about a run besides its options. */
function describeRun(
  { experiment }: Call,
  { model, trainData, validationData, testData }: ExperimentRun,
  device: Device,
) {
  const { config, data } = model.metadata();
  const parsed = (text: string | undefined) => (text === undefined ? undefined : (JSON.parse(text) as unknown));
  return {
    model: parsed(config),
    data: parsed(data),
    parameters: [...model.parameters().values()].reduce((sum, { size }) => sum + size, 0),
    ...(experiment.fields && { fields: experiment.fields }),
    samples: { train: trainData.size, val: validationData?.size, test: testData?.size },
    version,
    host: hostName(),
    device: describeDevice(device),
  };
}
