// Measures what simulation.mjs calculates with, and writes it into simulation.json: the rates of one process and of three, the overhead
// of a job, Redis's processor time, and the operations on files. Run it as root, with redis-server and strace, and a build, on a
// machine that does nothing else:
//
//   node test/jobs/measure.mjs [--clouds 1000]
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readArguments } from "../../src/build/arguments.mjs";
import { library } from "./clouds.mjs";
import * as harness from "./harness.mjs";
import { processorSeconds, servers } from "./servers.mjs";

const { knnGraph, requestDevice, ErwinTransformer, loadSafetensors, saveSafetensors } = library;
const { values } = readArguments({ options: { clouds: { type: "string", default: "1000" } } });
const count = Number(values.clouds);
const seconds = (/** @type {number} */ since) => (performance.now() - since) / 1000;
const rounded = (/** @type {number} */ value) => Number(value.toPrecision(3));

/** Predicts all clouds by a program that only reads, computes and writes, in the batches that predict makes. */
async function predictPlainly() {
  const device = await requestDevice({ backend: "cpu", threads: 1 });
  const model = await ErwinTransformer.load(readFileSync(harness.model), { device });
  const output = join(harness.folder, "plain");
  mkdirSync(output);
  const names = readdirSync(harness.clouds);
  const start = performance.now();
  for (let first = 0; first < count; first += 256) {
    const some = names.slice(first, first + 256);
    const points = some.map((name) => {
      const { tensors } = loadSafetensors(readFileSync(join(harness.clouds, name)));
      return /** @type {Float32Array} */ (tensors.get("node_positions")?.data);
    });
    const nodePositions = Float32Array.from(points.flatMap((cloud) => [...cloud]));
    const batchIdx = Int32Array.from({ length: nodePositions.length / 3 }, (_, i) => Math.floor(i / 64));
    const edgeIndex = await knnGraph(nodePositions, { dimensionality: 3, k: 8, batchIdx, threads: 1 });
    const out = await model.forward({ nodeFeatures: nodePositions, nodePositions, batchIdx, edgeIndex });
    const rows = /** @type {Float32Array} */ (await out.data());
    out.dispose();
    const width = rows.length / some.length;
    for (const [i, name] of some.entries()) {
      const data = rows.slice(i * width, (i + 1) * width);
      writeFileSync(join(output, name), saveSafetensors({ out: { shape: [64, width / 64], data } }));
    }
  }
  const time = seconds(start);
  model.dispose();
  device.dispose();
  return time;
}

/** The seconds that a call of predict says it took, without its start. */
function predict(/** @type {string} */ output) {
  const printed = harness.erwin(...harness.predictWords, "--output", output, ...harness.deviceWords);
  const [, time, unit] = /** @type {RegExpExecArray} */ (/points in ([\d.]+) (m?s)/.exec(printed));
  return Number(time) / (unit === "ms" ? 1000 : 1);
}

/**
 * Waits for the outputs of some processes, and returns the jobs a second and the processor time of a job, from the first tenth of the
 * outputs to the last.
 */
async function follow(/** @type {import("node:child_process").ChildProcess[]} */ processes) {
  const used = () => processes.reduce((sum, { pid }) => sum + processorSeconds(pid ?? 0), 0);
  await harness.until(() => harness.outputs() >= count / 10);
  const [first, before, start] = [harness.outputs(), used(), performance.now()];
  await harness.until(() => harness.outputs() === count);
  const jobs = count - first;
  const found = { rate: rounded(jobs / seconds(start)), milliseconds: rounded((1000 * (used() - before)) / jobs) };
  // strace ignores the signal, but not the end of its process.
  for (const { pid = 0, spawnfile } of processes) process.kill(spawnfile === "strace" ? -pid : pid, "SIGTERM");
  await Promise.all(processes.map((child) => new Promise((resolve) => child.on("close", resolve))));
  return found;
}

function empty() {
  rmSync(harness.shared, { recursive: true });
  mkdirSync(harness.shared);
}

const trace = join(harness.folder, "trace.txt");
const strace = [
  "-f",
  "-y",
  "-e",
  "trace=file,read,pread64,write,pwrite64,fsync,close",
  "-o",
  trace,
  process.execPath,
  harness.cli,
];

/** The system calls of a job on the files of clouds, outputs and leases. */
function traced() {
  const lines = readFileSync(trace, "utf8").split("\n");
  return rounded(lines.filter((line) => /\d+\.safetensors/.test(line) && !line.includes("resumed>")).length / count);
}

/** The system calls of a call of predict. */
function tracePredict() {
  spawnSync("strace", [...strace, ...harness.predictWords, "--output", harness.shared, ...harness.deviceWords]);
  return traced();
}

/** The milliseconds of an operation on a local disk. */
function disk() {
  const times = { write: 0, look: 0 };
  for (let i = 0; i < 200; i++) {
    let start = performance.now();
    const handle = openSync(join(harness.folder, "new"), "w");
    writeSync(handle, new Uint8Array(4096));
    fsyncSync(handle);
    closeSync(handle);
    renameSync(join(harness.folder, "new"), join(harness.folder, "old"));
    times.write += (performance.now() - start) / 200;
    start = performance.now();
    statSync(join(harness.folder, "old"));
    times.look += (performance.now() - start) / 200;
  }
  return times;
}

await harness.prepare(count);
try {
  const [plain, single] = [await predictPlainly(), predict(join(harness.folder, "alone"))];
  const calls = [0, 1, 2].map(() =>
    harness.start(
      ...harness.predictWords,
      "--output",
      harness.shared,
      "--batch-points",
      "1024",
      ...harness.deviceWords,
    ),
  );
  const leases = await follow(calls);
  empty();
  const own = tracePredict();
  const skipped = tracePredict();
  empty();
  const redis = servers.redis(harness.folder, false);
  await redis.start();
  const enqueue = () => harness.erwin(...harness.predictWords, "--output", harness.shared, "--queue", redis.address);
  enqueue();
  const work = ["work", "--queue", redis.address, ...harness.deviceWords];
  const queue = await follow([0, 1, 2].map(() => harness.start(...work)));
  const redisMilliseconds = rounded((1000 * redis.processorSeconds()) / count);
  empty();
  enqueue();
  await follow([spawn("strace", [...strace, ...work], { stdio: "ignore", detached: true })]);
  const queued = traced();
  redis.kill();
  const { write, look } = disk();
  const measured = {
    clouds: count,
    processors: availableParallelism(),
    millisecondsPerJob: { plain: rounded((1000 * plain) / count), predict: rounded((1000 * single) / count) },
    redisMillisecondsPerJob: redisMilliseconds,
    operationsPerJob: { own, skipped, queued },
    diskMilliseconds: { writeFlushRename: rounded(write), look: rounded(look) },
    threeProcesses: { leases, queue },
  };
  const file = fileURLToPath(new URL("simulation.json", import.meta.url));
  writeFileSync(file, `${JSON.stringify(measured, null, 2)}\n`);
  console.log(measured);
} finally {
  harness.cleanUp();
}
process.exit();
