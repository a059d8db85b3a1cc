// Trains here, continues by two processes of torch.distributed (src/jobs/distributed.py), and evaluates, predicts and continues here,
// with PyTorch's values for comparison. It needs a build, and a Python that has PyTorch, NumPy and h5py (Debian: python3-torch,
// python3-h5py):
//
//   npm run test:distributed [-- --python /usr/bin/python3] [--steps 20]
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readArguments } from "../../src/build/arguments.mjs";
import { freePort } from "../../src/build/serve-dist.mjs";

const { values } = readArguments({
  options: { python: { type: "string", default: "/usr/bin/python3" }, steps: { type: "string", default: "20" } },
});

if (spawnSync(values.python, ["-c", "import torch, numpy, h5py"], { stdio: "ignore" }).status !== 0) {
  console.error(
    `${values.python} has no PyTorch, NumPy or h5py: apt-get install python3-torch python3-h5py, or name another Python by --python`,
  );
  process.exit(1);
}

// The paths are in variables because declarations are generated from the sources, to which the built library does not belong.
const [library, ofExperiments, ofFormats] = ["erwin", "experiments", "formats"].map((name) => `../../dist/${name}.js`);
/** @type {typeof import("../../src/index.ts")} */
const { Random, requestDevice } = await import(library);
/** @type {typeof import("../../src/experiments/index.ts")} */
const { experiments, MemorySource, readModel, resolveOptions } = await import(ofExperiments);
/** @type {typeof import("../../src/formats/index.ts")} */
const { loadNpy } = await import(ofFormats);

const PROCESSES = 2;
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "erwin-distributed-"));
const file = (/** @type {string} */ name) => join(folder, name);
const device = ["--backend", "cpu", "--threads", "1"];

/** Runs a command line to its end, and returns what it printed. */
const erwin = (/** @type {string[]} */ ...words) =>
  execFileSync(process.execPath, [join(root, "dist/cli.js"), ...words], { encoding: "utf8", stdio: "pipe" });

/** The validation loss of a model, as `erwin evaluate` finds it. */
const evaluated = (/** @type {string} */ model) =>
  JSON.parse(erwin("evaluate", "--model", model, "--data-path", file("data"), "--split", "val", ...device)).loss;

/** Does what torchrun does, and returns what the processes printed. */
async function trainDistributed(/** @type {string[]} */ ...words) {
  // The processes meet on it.
  const port = String(await freePort());
  const shared = { WORLD_SIZE: String(PROCESSES), MASTER_ADDR: "127.0.0.1", MASTER_PORT: port, OMP_NUM_THREADS: "1" };
  const printed = Array.from({ length: PROCESSES }, (_, rank) => {
    const env = { ...process.env, ...shared, RANK: String(rank) };
    const program = [join(root, "src/jobs/distributed.py"), ...words];
    const child = spawn(values.python, program, { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (part) => (text += part));
    return new Promise((resolve, reject) =>
      child.on("close", (code) =>
        code === 0 ? resolve(text) : reject(new Error(`Process ${rank} ended with ${code}`)),
      ),
    );
  });
  return (await Promise.all(printed)).join("");
}

/** The predictions for the test split, in the data's units. */
async function predictions(/** @type {string} */ weights) {
  const cpu = await requestDevice({ backend: "cpu", threads: 1 });
  const { cosmology } = experiments;
  const options = /** @type {import("../../src/experiments/index.ts").ExperimentOptions} */ (
    resolveOptions(cosmology.options, {})
  );
  const files = readdirSync(file("data")).map(
    (name) => /** @type {const} */ ([name, readFileSync(join(file("data"), name))]),
  );
  const source = new MemorySource(new Map(files), "data");
  const init = { bytes: readFileSync(weights), file: weights };
  const model = readModel(cosmology, init, { device: cpu, name: "cosmology", options });
  model.eval();
  const data = await cosmology.load("test", options, source);
  if (!data || !cosmology.predict) throw new Error("The experiment predicts nothing");
  const found = [];
  for (let i = 0; i < data.size; i++) {
    const [{ fields }] = await cosmology.predict(model, await data.load(i, new Random(0)), options);
    found.push(...fields[0].prediction);
  }
  model.dispose();
  cpu.dispose();
  return found;
}

let failures = 0;
/** @type {(what: string, difference: number, holds: boolean) => void} */
function report(what, difference, holds) {
  console.log(`${holds ? "right" : "WRONG"}: ${what}: ${difference.toExponential(1)}`);
  if (!holds) failures++;
}

/** The tolerance of the golden files, relative to the largest magnitude. */
const TOLERANCE = 1e-5;
/** @type {(found: ArrayLike<number>, expected: ArrayLike<number>) => number} */
function apart(found, expected) {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const differences = Array.from(expected, (value, i) => Math.abs(found[i] - value));
  return Math.max(...differences) / Math.max(...Array.from(expected, Math.abs));
}

try {
  const init = join(root, "test/experiments/peer/cosmology/init.safetensors");
  const training = ["--batch-size", "4", "--validate-every", "10", ...device];
  const train = (/** @type {string[]} */ ...words) =>
    erwin("train", "cosmology", "--data-path", file("data"), ...training, ...words);
  erwin("generate", "cosmology", "--samples", "24", "--points", "128", "--seed", "1", "--out", file("data"));
  train("--init", init, "--steps", "10", "--out", file("run"));
  erwin("convert", file("run/model.safetensors"), file("model.pt"));

  const words = ["--steps", values.steps, "--batch-size", "2", "--lr", "1e-3"];
  const printed = await trainDistributed(
    file("run/config.json"),
    file("data"),
    file("model.pt"),
    file("trained.pt"),
    ...words,
  );
  const { processes, before, after } = JSON.parse(printed);
  console.log(
    `${processes} processes, ${values.steps} steps: validation loss ${before.toFixed(6)} before, ${after.toFixed(6)} after`,
  );
  console.log(erwin("convert", file("trained.pt"), file("trained.safetensors")).trim().replace(`${folder}/`, ""));

  const [here, then] = [evaluated(file("run/model.safetensors")), evaluated(file("trained.safetensors"))];
  report("loss before, here and in PyTorch", apart([here], [before]), apart([here], [before]) < TOLERANCE);
  report("loss after, here and in PyTorch", apart([then], [after]), apart([then], [after]) < TOLERANCE);

  execFileSync(values.python, [
    join(root, "test/jobs/distributed.py"),
    ...["run/config.json", "trained.pt", "data", "torch.npy"].map(file),
  ]);
  const expected = /** @type {Float64Array} */ (loadNpy(readFileSync(file("torch.npy"))).data);
  const found = await predictions(file("trained.safetensors"));
  const difference = apart(found, expected);
  report(`${expected.length} predicted numbers, here and in PyTorch`, difference, difference < TOLERANCE);
  const change = apart(await predictions(file("run/model.safetensors")), expected);
  report("change of the predictions by the training", change, change > 100 * TOLERANCE);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
