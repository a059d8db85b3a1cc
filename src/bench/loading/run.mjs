// Measures how long a device would wait for batches: workers make real ones, and in place of the device there is a pause as long as
// its steps.
//
//   node src/bench/loading/run.mjs NAME FOLDER [--step MILLISECONDS] [--workers N] [--steps N] [--batch-size N]
//
// NAME is the name of an experiment, FOLDER its data set. Prints the share of the time in which the device waited, as `erwin train`
// does, and how long this thread was busy apart from the steps. Needs a build.
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { readArguments } from "../../build/arguments.mjs";

const { values, positionals } = readArguments({
  allowPositionals: true,
  options: {
    step: { type: "string", default: "50" },
    workers: { type: "string", default: "1" },
    steps: { type: "string", default: "40" },
    "batch-size": { type: "string", default: "16" },
  },
});

// The paths are in variables because declarations are generated from the sources, to which the built library does not belong.
const [library, entry] = ["../../../dist/erwin.js", "../../../dist/experiments.js"];
const { fit, nn, operators, requestDevice, scope, Tensor } = /** @type {typeof import("../../index.ts")} */ (
  await import(library)
);
const { DataWorkers, experiments, MemorySource, resolveOptions } =
  /** @type {typeof import("../../experiments/index.ts")} */ (await import(entry));

const [name, folder] = positionals;
const [step, count, steps, batchSize] = [values.step, values.workers, values.steps, values["batch-size"]].map(Number);

const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const paths = entries.map((entry) => join(entry.parentPath, entry.name));
const source = new MemorySource(
  new Map(paths.map((path) => [path.slice(folder.length).split(sep).join("/").replace(/^\//, ""), readFileSync(path)])),
  folder,
);

const device = await requestDevice({ backend: "cpu", threads: 1 });
const experiment = experiments[name];
const options = /** @type {import("../../experiments/experiment.ts").ExperimentOptions} */ (
  resolveOptions(experiment.options, { batchSize })
);
const trainData = await experiment.load("train", options, source);
if (!trainData) throw new Error(`${folder} has no samples to train on`);
// Prepares batches if there are no workers, and computes nothing.
const shape = experiment.build(experiment.config(options)).initialize({ device: device.dryRun() }).train();
const task = experiment.task(shape, options);
const setup = { name, metadata: shape.metadata(), options, info: device.info, source };
const workers = count === 0 ? undefined : await DataWorkers.start(count, setup);

const model = new nn.Linear(1, 1).initialize({ device });
const one = Tensor.from(device, new Float32Array([1]), [1, 1]);
let [begun, busy] = [0, performance.eventLoopUtilization()];
const { treeWait } = await fit({
  model,
  trainData,
  task: {
    prepare: task.prepare,
    async loss() {
      // The first batch must be awaited wherever it is made.
      if (begun === 0) [begun, busy] = [performance.now(), performance.eventLoopUtilization()];
      await pause(step);
      return scope(() => operators.mse(model.forward(one), one));
    },
  },
  steps,
  batchSize,
  schedule: { kind: "cosine", lr: 1e-3, steps },
  ...(workers && { prefetch: workers.prefetch, loadBatch: (request) => workers.load(request) }),
});
const time = performance.now() - begun;
const { active } = performance.eventLoopUtilization(busy);
const share = ((100 * treeWait) / time).toFixed(1);
console.log(
  `${name}: ${steps} steps of ${step} ms in ${(time / 1000).toFixed(2)} s with ${count} workers: ` +
    `the device waited ${(treeWait / 1000).toFixed(2)} s (${share} %) for data; ` +
    `this thread was busy for ${(active / steps).toFixed(1)} ms of a step`,
);
workers?.stop();
device.dispose();
process.exit();
