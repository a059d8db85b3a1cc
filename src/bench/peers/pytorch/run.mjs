// Runs the PyTorch peer in a Python with PyTorch; makes one on the first call if need be.
//
//   node src/bench/peers/pytorch/run.mjs check.py                     does it compute what the golden files say?
//   node src/bench/peers/pytorch/run.mjs bench.py ARGUMENT ...        how fast is it? (--help lists the arguments)
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CommandError, main, run } from "../../../build/run.mjs";
import { root } from "../../../build/steps.mjs";
import { preparePython, pytorch } from "../python.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/**
 * @typedef {object} PyTorchRow One case; either measured or unavailable.
 * @property {string} input the file
 * @property {number} clouds
 * @property {number} points of each cloud
 * @property {"forward" | "training"} case
 * @property {"eager" | "compile"} variant
 * @property {"strict" | "tf32"} precision
 * @property {string} [unavailable] why it could not be measured
 * @property {import("../../rates/timing.ts").Timing} [timing] milliseconds
 * @property {number} [first] milliseconds of the first pass, compilation included
 * @property {number} [peakMemory] bytes on a CUDA device
 * @property {number} [loss] in training: the loss before the first step
 * @property {number} [relativeDifference] relative difference from the input's `out` or `loss`
 */

/**
 * @typedef {object} PyTorchBench The JSON that bench.py writes with --json.
 * @property {string} torch version
 * @property {string} python version
 * @property {"cpu" | "cuda"} device
 * @property {string} deviceName
 * @property {number} threads
 * @property {string} blas
 * @property {PyTorchRow[]} rows
 */

/**
 * @param {string} script of this folder
 * @param {string[]} args
 */
async function runScript(script, args) {
  const named = args.filter((argument) => argument.includes("/")).map(enclosingFolder);
  const folders = new Set([process.cwd(), resolve(root), ...named.filter((folder) => folder !== "/")]);
  const [program, ...words] = await preparePython(pytorch, [...folders]);
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  try {
    run(program, [...words, join(here, script), ...args], { cwd: process.cwd(), env });
  } catch (error) {
    // The script has said what was wrong, in the last line.
    if (!(error instanceof CommandError)) throw error;
    process.exitCode = error.status;
  }
}

/**
 * Returns the nearest folder that exists, since an output's folder may not exist yet.
 * @param {string} path
 * @returns {string}
 */
function enclosingFolder(path) {
  const absolute = resolve(path);
  return existsSync(absolute) && statSync(absolute).isDirectory() ? absolute : enclosingFolder(dirname(absolute));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [script = "check.py", ...args] = process.argv.slice(2);
  await main(() => runScript(script, args));
}
