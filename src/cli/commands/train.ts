// erwin train: trains an experiment's model, keeps its checkpoints and draws its loss curve.

import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { experiments } from "../../experiments/index.ts";
import { FitController, type FitProgress, fit, JsonLinesLogger, type LogEntry } from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { drawCurves } from "../curve.ts";
import { describeDevice, withDevice } from "../device.ts";
import { writeWhole } from "../files.ts";
import { FolderStore } from "../folder-store.ts";
import { deviceOptions, readDeviceChoice } from "../options.ts";
import { withProgress } from "../progress.ts";
import { formatTime } from "../text.ts";

const METRICS_FILE = "metrics.jsonl";
const CURVE_FILE = "curve.svg";
const names = Object.keys(experiments);

export const train: Command = {
  summary: "train an experiment's model; interrupted, it goes on where it was",
  usage: `${names.join("|")} --out FOLDER [--steps N] [--batch-size B] [--lr R] [--rotation on|off] [--seed S] [--backend NAME]`,
  options: {
    out: {
      value: "FOLDER",
      description: `for checkpoints, ${METRICS_FILE} and ${CURVE_FILE}; goes on from the last checkpoint in it`,
    },
    steps: { value: "N", description: "steps of the whole run" },
    "batch-size": { value: "B", description: "clouds in a batch" },
    lr: { value: "R", description: "largest learning rate" },
    rotation: { value: "on|off", description: "whether every second block sees the rotated tree (default on)" },
    seed: { value: "S", description: "of the weights, the samples and their order (default 0)" },
    "validate-every": { value: "N", description: "steps between validations" },
    "save-every": { value: "N", description: "steps between checkpoints (default 100)" },
    ...deviceOptions,
  },
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const name = args.positionals[0];
  const experiment = name === undefined ? undefined : experiments[name];
  if (!experiment) throw new UsageError(`Which experiment? Expected one of ${names.join(", ")}`);
  const { defaults } = experiment;
  const folder = args.required("out");
  const steps = args.count("steps") ?? defaults.steps;
  const seed = args.number("seed", "a whole number", Number.isSafeInteger) ?? 0;
  const rotate = (args.choice("rotation", ["on", "off"] as const) ?? "on") === "on";
  const lr = args.number("lr", "a number greater than 0", (value) => value > 0) ?? defaults.lr;
  const batchSize = args.count("batch-size") ?? defaults.batchSize;
  const schedule = {
    kind: "cosine" as const,
    lr,
    minLr: defaults.minLr,
    steps,
    warmup: Math.min(defaults.warmup, steps - 1),
  };

  await withDevice(readDeviceChoice(args), async (device) => {
    console.log(`training ${name} on ${describeDevice(device)}: ${steps} steps of ${batchSize}`);
    const { model, task, trainData, validationData, testData } = await experiment.make({ device, seed, rotate });
    const store = new FolderStore(folder);
    const metrics = join(folder, METRICS_FILE);
    if (!existsSync(join(folder, "last.safetensors"))) rmSync(metrics, { force: true });
    const controller = new FitController();
    const interrupt = () => controller.stop();
    process.on("SIGINT", interrupt);
    try {
      const result = await withProgress(`training ${name}`, (report) =>
        fit({
          model,
          task,
          trainData,
          validationData,
          testData,
          steps,
          batchSize,
          schedule,
          seed,
          store,
          controller,
          validateEvery: args.count("validate-every") ?? defaults.validateEvery,
          saveEvery: args.count("save-every") ?? 100,
          logger: new JsonLinesLogger((line) => appendFileSync(metrics, line)),
          config: { experiment: name, seed, ...model.config },
          onProgress: (progress) => {
            report(progress.step, progress.steps);
            if (!process.stderr.isTTY && progress.step % 100 === 0) console.log(describe(progress));
          },
        }),
      );
      console.log(
        result.finished
          ? `done in ${formatTime(result.time)}; the device waited ${formatTime(result.treeWait)} for trees`
          : `stopped after ${result.step} of ${steps} steps; the same command goes on from there`,
      );
      if (result.validation) console.log(`validation ${JSON.stringify(result.validation)}`);
      if (result.test) console.log(`test ${JSON.stringify(result.test)}`);
      console.log(`trivial predictor: ${experiment.trivialLoss}`);
    } finally {
      process.removeListener("SIGINT", interrupt);
      model.dispose();
    }
    writeWhole(join(folder, CURVE_FILE), curveOf(name!, metrics, experiment.trivialLoss));
    console.log(`loss curve: ${join(folder, CURVE_FILE)}`);
  });
}

function describe({ step, steps, loss, lr, stepsPerSecond, secondsLeft }: FitProgress): string {
  return `step ${step}/${steps}  loss ${loss.toPrecision(4)}  lr ${lr.toExponential(1)}  ${stepsPerSecond.toFixed(2)} steps/s  ${secondsLeft.toFixed(0)} s left`;
}

/** The losses of a run's log, each step's last entry: a run that went on may have logged a step twice. */
function curveOf(name: string, file: string, trivialLoss: number): string {
  const entries = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LogEntry);
  const curves = (["training", "validation"] as const).map((kind) => {
    const losses = new Map<number, number>();
    for (const entry of entries) if (entry.kind === kind) losses.set(entry.step, Number(entry.loss));
    return { name: kind, points: [...losses].sort(([a], [b]) => a - b) };
  });
  return drawCurves(
    `${name}: loss`,
    curves.filter(({ points }) => points.length > 0),
    { name: "trivial predictor", loss: trivialLoss },
  );
}
