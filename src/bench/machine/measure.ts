// Measures this library and PyTorch on this machine, at the same sizes and within a given time, and writes all figures into one
// file (result.ts). The file is rewritten after each step, so that an interrupted run keeps its results.
//
//   npm run bench:gpu -- --out FILE [--seconds 540] [--points N,N,...] [--clouds 16] [--channels 32] [--backend webgpu|cpu]
//     [--only STEP,...] [--host deno|chromium]
//
// sets up and builds first. With --host chromium this library's benchmarks run on a page (../scripts/page.mjs). The steps, the most
// important first (the last compiles for minutes, in whatever time is left):
//
//   forward       the device, its roofline, and forward passes in float32
//   training      training steps in float32
//   pytorch       both in PyTorch's eager mode, strict and with TF32, on CUDA where the GPU has it, else on the CPU; its outputs
//                 and losses are compared with this library's on the device that is measured
//   compile       both by torch.compile, the middle size
//   dawn          both on Dawn, Chrome's WebGPU, which dawn.mjs runs in Deno, where the npm package webgpu is installed
//   mixed         both in half precision, where the adapter has shader-f16; on Dawn where it gives access to the GPU's matrix
//                 units, which Deno's own WebGPU does not
//   trees         trees and graphs
//   compile-rest  both by torch.compile, the other sizes from the largest down
//
// A machine with a GPU, its driver and a python3 with PyTorch and safetensors needs no network, no Node and no npm packages.
//
//   npm run bench:gpu -- --pack FOLDER [--tests]
//
// on any Linux (x64) sets up, builds, and writes what such a machine needs into FOLDER (pack.mjs). Copy the repository's files and
// FOLDER to the machine. Then, as root, in bash, in the repository's root:
//
//   . FOLDER/unpack.sh                                             once in each shell
//   deno run -A src/bench/machine/measure.ts --out FILE            measures
//   deno run -A src/bench/peers/compare.ts --webgpu --clouds 16    this library beside jax-js, which is packed, too
//   deno run -A node_modules/vitest/vitest.mjs run --project host  tests, where --tests has packed them
//
// In place of `deno run -A dist/cli.js`, `deno run -A src/bench/machine/dawn.mjs dist/cli.js` runs on Dawn. If the first step finds
// no adapter, or only a software one, tell the Vulkan loader where the driver is: VK_DRIVER_FILES=/.../vulkan/icd.d/nvidia_icd.json.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, release, tmpdir, totalmem, type } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { readArguments } from "../../build/arguments.mjs";
import { denoEnvironment } from "../../build/deno.mjs";
import { root } from "../../build/steps.mjs";
import { publishedTable } from "../cases/case.ts";
import { findPython, pytorch } from "../peers/python.mjs";
import type { PyTorchBench } from "../peers/pytorch/run.mjs";
import type { BenchmarkName } from "../report/measurement.ts";
import type { BenchResult } from "../report/result.ts";
import type { MachineResult } from "./result.ts";

/** Runs a step until a time of performance.now(); throws if it could not. */
type Step = (until: number) => void;

const steps: Record<string, Step> = {
  forward: (until) => benchErwin("forward", until, share(9)),
  training: (until) => benchErwin("training", until, share(9)),
  pytorch: (until) => benchPyTorch("eager", until, sizes),
  compile: (until) => benchPyTorch("compile", until, [middle]),
  dawn: (until) => {
    if (!canUseDawn) throw new Error("this is for --host deno --backend webgpu with the npm package webgpu");
    benchErwin("forward", until, share(27), [], dawn);
    benchErwin("training", until, share(27), [], dawn);
  },
  mixed: (until) => {
    const host = canUseDawn && dawnHasMatrixUnits() ? dawn : undefined;
    benchErwin("forward", until, share(27), ["--precision", "mixed"], host);
    benchErwin("training", until, share(27), ["--precision", "mixed"], host);
  },
  trees: (until) => {
    benchErwin("tree", until, share(180));
    benchErwin("graph", until, share(180));
  },
  "compile-rest": (until) => {
    const others = sizes.filter((points) => points !== middle).reverse();
    if (others.length > 0) benchPyTorch("compile", until, others);
  },
};

const { values } = readArguments({
  options: {
    out: { type: "string" },
    seconds: { type: "string", default: "540" },
    points: { type: "string", default: publishedTable.points.join() },
    clouds: { type: "string", default: String(publishedTable.clouds) },
    channels: { type: "string", default: "32" },
    backend: { type: "string", default: "webgpu" },
    only: { type: "string", default: Object.keys(steps).join() },
    host: { type: "string", default: "deno" },
  },
});
const { out, clouds, channels, backend } = values;
const seconds = Number(values.seconds);
const sizes = values.points.split(",").map(Number);
const chosen = values.only.split(",");
for (const number of [seconds, Number(clouds), Number(channels), ...sizes])
  if (!(number > 0)) refuse("numbers above 0");
for (const name of chosen) if (!(name in steps)) refuse(`steps of ${Object.keys(steps).join(", ")}`);
if (!["deno", "chromium"].includes(values.host)) refuse("--host deno or chromium");
if (out === undefined) refuse("--out FILE");
sizes.sort((a, b) => a - b);
const caseWords = ["--points", sizes.join(), "--clouds", clouds, "--channels", channels, "--backend", backend];
const middle = sizes[(sizes.length - 1) >> 1];

function refuse(expected: string): never {
  console.error(`error: expected ${expected}; src/bench/machine/measure.ts lists all arguments`);
  process.exit(2);
}

/** The seconds for each size of a group of cases that gets 1 / `divisor` of the total time. */
const share = (divisor: number) => Number((seconds / divisor / sizes.length).toPrecision(2));

const folder = mkdtempSync(join(tmpdir(), "erwin-machine-"));
const env = { ...denoEnvironment(), PYTHONDONTWRITEBYTECODE: "1" };
const threads = Math.min(8, availableParallelism());

const result: MachineResult = {
  format: "erwin-machine-1",
  date: new Date().toISOString(),
  machine: {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory: totalmem(),
    system: `${type()} ${release()}, ${arch()}`,
    nvidia: askNvidia(),
  },
  clouds: Number(clouds),
  points: sizes,
  channels: Number(channels),
  seconds,
  steps: [],
  erwin: [],
  pytorch: [],
};

function askNvidia(): string | undefined {
  const query = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
  const { status, stdout } = spawnSync("nvidia-smi", query, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Runs a program to its end. Throws its last line of standard error if it fails, and says so if its time is up. */
function run(until: number, program: string, args: readonly string[]): void {
  const timeout = Math.max(1, Math.round(until - performance.now()));
  const { status, error, stderr } = spawnSync(program, args, {
    cwd: root,
    env,
    timeout,
    killSignal: "SIGKILL",
    stdio: ["ignore", "inherit", "pipe"],
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return;
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ETIMEDOUT") {
    throw new Error(`stopped after ${(timeout / 1000).toFixed(0)} s`);
  }
  process.stderr.write(stderr ?? "");
  const last = stderr
    ?.trim()
    .split("\n")
    .at(-1)
    ?.replace(/^error: /, "");
  throw new Error(last || error?.message || `${program} ended with exit code ${status}`);
}

const deno = (until: number, script: string, args: readonly string[]) =>
  run(until, process.execPath, ["run", "-A", join(root, script), ...args]);

/** Runs the command line's `bench` on a page. */
const chromium: typeof deno = (until, _, [, ...args]) =>
  run(until, "node", [join(root, "src/bench/scripts/page.mjs"), ...args]);

const dawnProgram = "src/bench/machine/dawn.mjs";
const canUseDawn =
  values.host === "deno" && backend === "webgpu" && existsSync(join(root, "node_modules/webgpu/package.json"));
const dawn: typeof deno = (until, script, args) => deno(until, dawnProgram, [script, ...args]);

function dawnHasMatrixUnits(): boolean {
  const words = ["run", "-A", dawnProgram, "dist/cli.js", "info", "--backend", backend, "--precision", "mixed"];
  const { stdout } = spawnSync(process.execPath, words, { cwd: root, env, encoding: "utf8", timeout: 60_000 });
  return /^ *matrix units +in use/m.test(stdout ?? "");
}

/** Runs a program that writes JSON to a file, possibly more than once; passes on its last version, however the program ends. */
function collect<Result>(measure: (json: string) => void, use: (result: Result) => void): void {
  const json = join(folder, "result.json");
  rmSync(json, { force: true });
  try {
    measure(json);
  } finally {
    if (existsSync(json)) use(JSON.parse(readFileSync(json, "utf8")));
  }
}

function benchErwin(
  benchmark: BenchmarkName,
  until: number,
  each: number,
  options: readonly string[] = [],
  host = values.host === "chromium" ? chromium : deno,
): void {
  const words = ["bench", benchmark, ...caseWords, "--seconds", String(each), "--profile", ...options];
  collect<BenchResult>(
    (json) => host(until, "dist/cli.js", [...words, "--json", json]),
    (measured) => {
      for (const { points, pass } of measured.cases) if (points !== middle) delete pass?.profile;
      result.erwin.push(measured);
    },
  );
}

function benchPyTorch(variant: "eager" | "compile", until: number, order: readonly number[]): void {
  // Python can read both folders, and starts in the first.
  const python = findPython(pytorch, [root, folder]);
  if (!python) throw new Error("python3 has no torch and safetensors");
  const fileOf = (points: number) => join(folder, `${clouds}x${points}.safetensors`);
  if (!existsSync(fileOf(sizes[0]))) {
    deno(until, "src/bench/peers/cases.ts", ["--output", folder, ...caseWords]);
  }
  const inputs = order.map(fileOf).filter((file) => existsSync(file));
  const device = result.erwin[0]?.device;
  const isProcessor = backend === "cpu" || device?.software;
  const where = isProcessor
    ? ["--device", "cpu", "--threads", String(threads)]
    : ["--device", "auto", "--precision", "strict,tf32"];
  const [program, ...words] = [...python, join(root, "src/bench/peers/pytorch/bench.py")];
  words.push("--model", join(folder, "model.safetensors"), "--input", ...inputs, ...where);
  words.push("--variants", variant, "--seconds", String(share(45)));
  collect<PyTorchBench>(
    (json) => run(until, program, [...words, "--json", json]),
    ({ rows, ...bench }) =>
      result.pytorch.push({ ...bench, rows: rows.map((row) => ({ ...row, input: basename(row.input) })) }),
  );
}

function keep(path: string): void {
  writeFileSync(`${path}.unfinished`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${path}.unfinished`, path);
}

mkdirSync(dirname(out), { recursive: true });
const end = performance.now() + seconds * 1000;
try {
  for (const name of chosen) {
    const start = performance.now();
    const left = Math.max(0, end - start);
    // A step that hangs, or takes longer than expected, must leave time for the steps after it.
    const limit = name === chosen.at(-1) ? left : left / 2;
    let problem: string | undefined;
    try {
      if (limit < 1000) throw new Error("not started: the time was used up");
      console.log(`\n${name}, at most ${(limit / 1000).toFixed(0)} s\n`);
      steps[name](start + limit);
    } catch (error) {
      problem = (error as Error).message;
      console.log(`${name}: ${problem}`);
    }
    result.steps.push({ name, seconds: Math.round(performance.now() - start) / 1000, problem });
    keep(out);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const measured = [...result.erwin.flatMap(({ cases }) => cases.map(({ time }) => time)), ...result.pytorch];
process.exitCode = measured.some((found) => found !== undefined) ? 0 : 1;
