// Compares this library with its peers on the same model, inputs, machine and threads, one after the other in one run.
//
//   node src/bench/peers/run.mjs [--points 2048,4096] [--clouds 1] [--threads N] [--seconds S] [--training]
//     [--compile] [--wide] [--webgpu] [--json FILE]
//
// A time is that of a forward pass in evaluation mode, tree and graph given, from the call until the output is on the host; with
// --training that of a step, from the call until the loss is on the host: the pass in training mode, mean squared error, gradients,
// AdamW. Each row has the difference between its output, or first loss, and the CPU backend's. --wide adds a Chromium that joins
// pairs of WebAssembly's vectors (browser.mjs), --compile adds PyTorch's torch.compile, --webgpu adds the adapter that each host
// offers; the last two take minutes on a CPU.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { readArguments } from "../../build/arguments.mjs";
import { formatTiming, type Timing, timingOf } from "../rates/timing.ts";
import { formatTable } from "../report/table.ts";
import type { PyTorchBench } from "./pytorch/run.mjs";

interface Row {
  case: string;
  peer: string;
  host: string;
  device: string;
  threads: number;
  /** Milliseconds of the first pass. */
  first?: number;
  timing?: Timing;
  /** Max difference from the CPU backend's output, relative to that output's largest element. */
  difference?: number;
  /** Why there are no figures. */
  unavailable?: string;
}

/** The JSON that node.mjs, browser.mjs and deno.ts print. */
interface Measured {
  host: string;
  rows: { name: string; first: number; times: number[]; difference: number; device?: string; version?: string }[];
}

const { values } = readArguments({
  options: {
    points: { type: "string", default: "2048,4096" },
    clouds: { type: "string", default: "1" },
    channels: { type: "string", default: "32" },
    threads: { type: "string", default: String(Math.min(8, cpus().length)) },
    seconds: { type: "string", default: "10" },
    training: { type: "boolean", default: false },
    compile: { type: "boolean", default: false },
    wide: { type: "boolean", default: false },
    webgpu: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const { points, clouds, channels, threads, seconds } = values;
const pass = values.training ? "training" : "forward";
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), "erwin-peers-"));
const names = points.split(",").map((size) => `${clouds}x${size}`);
const rows: Row[] = [];

/** Runs a program that prints JSON on its last line. */
function ask(program: string, args: string[]): Measured {
  const shared = ["--folder", folder, "--cases", names.join(","), "--threads", threads, "--seconds", seconds];
  if (values.training) shared.push("--training");
  const output = execFileSync(program, [...args, ...shared], { encoding: "utf8", maxBuffer: 2 ** 26 });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

function add(peer: string, measure: () => Measured): void {
  console.error(`${peer} ...`);
  try {
    const { host, rows: measured } = measure();
    for (const { name, first, times, difference, device = "cpu", version } of measured) {
      const versioned = version === undefined ? peer : `${peer} ${version}`;
      rows.push({
        case: name,
        peer: versioned,
        host,
        device,
        threads: Number(threads),
        first,
        timing: timingOf(times),
        difference,
      });
    }
  } catch (error) {
    rows.push({ ...unmeasured(peer), unavailable: reasonOf(error) });
  }
}

/** The error that a failed program wrote to standard error: Node's own lines follow it. */
function reasonOf(error: unknown): string {
  const lines = String((error as { stderr?: unknown }).stderr || error)
    .trim()
    .split("\n")
    .reverse();
  return lines.find((line) => /error/i.test(line)) ?? lines[0];
}

const unmeasured = (peer: string) => ({ case: names.join(), peer, host: "", device: "", threads: Number(threads) });

function addPyTorch(): void {
  console.error("PyTorch ...");
  const json = join(folder, "pytorch.json");
  const inputs = names.map((name) => join(folder, `${name}.safetensors`));
  const args = ["bench.py", "--model", join(folder, "model.safetensors"), "--input", ...inputs];
  args.push(
    "--threads",
    threads,
    "--seconds",
    seconds,
    "--cases",
    pass,
    "--variants",
    values.compile ? "eager,compile" : "eager",
    "--json",
    json,
  );
  try {
    execFileSync("node", [join(here, "pytorch", "run.mjs"), ...args], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    rows.push({ ...unmeasured("PyTorch"), unavailable: reasonOf(error) });
    return;
  }
  const bench: PyTorchBench = JSON.parse(readFileSync(json, "utf8"));
  for (const { clouds, points, variant, first, timing, relativeDifference, unavailable } of bench.rows) {
    rows.push({
      case: `${clouds}x${points}`,
      peer: `PyTorch ${bench.torch}, ${variant}`,
      host: `Python ${bench.python}`,
      device: bench.device,
      threads: bench.threads,
      first,
      timing,
      difference: relativeDifference,
      unavailable,
    });
  }
}

const deno = (library: string, backend: string) =>
  ask(process.execPath, ["run", "-A", join(here, "deno.ts"), "--library", library, "--backend", backend]);
const browser = (library: string, backend: string, ...more: string[]) =>
  ask("node", [join(here, "browser.mjs"), "--library", library, "--backend", backend, ...more]);

try {
  const cases = ["--output", folder, "--clouds", clouds, "--points", points, "--channels", channels];
  execFileSync(process.execPath, ["run", "-A", join(here, "cases.ts"), ...cases]);
  add("erwin", () => deno("erwin", "cpu"));
  add("erwin", () => browser("erwin", "cpu"));
  add("jax-js", () => browser("jax-js", "cpu"));
  addPyTorch();
  // ONNX runtimes run models, but do not train them.
  if (!values.training) {
    add("onnxruntime-web", () => browser("onnxruntime", "cpu"));
    add("onnxruntime-node", () => ask("node", [join(here, "onnxruntime", "node.mjs")]));
  }
  if (values.wide) {
    add("erwin", () => browser("erwin", "cpu", "--wide"));
    add("jax-js", () => browser("jax-js", "cpu", "--wide"));
    if (!values.training) add("onnxruntime-web", () => browser("onnxruntime", "cpu", "--wide"));
  }
  if (values.webgpu) {
    add("erwin", () => deno("erwin", "webgpu"));
    add("erwin", () => browser("erwin", "webgpu"));
    add("jax-js", () => deno("jax-js", "webgpu"));
    add("jax-js", () => browser("jax-js", "webgpu"));
    if (!values.training) add("onnxruntime-web", () => browser("onnxruntime", "webgpu"));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

rows.sort((a, b) => names.indexOf(a.case) - names.indexOf(b.case));
const lines = rows.map(({ case: name, peer, host, device, first, timing, difference, unavailable }) => [
  name,
  peer,
  host,
  device,
  timing ? `${formatTiming(timing)} x ${timing.repetitions}` : `unavailable: ${unavailable}`,
  first === undefined ? "" : `${first.toFixed(0)} ms`,
  difference === undefined ? "" : difference.toExponential(1),
]);
const head = ["case", "library", "host", "device", `${pass}, median (quartiles)`, "first", "difference"];
console.log(["", ...formatTable([head, ...lines])].join("\n"));
if (values.json) {
  const report = { date: new Date().toISOString(), processor: cpus()[0]?.model, threads: Number(threads), pass, rows };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
process.exitCode = rows.some(({ unavailable }) => unavailable) ? 1 : 0;
