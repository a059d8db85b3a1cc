// Compiles this folder into wasm/out/kernels.wasm, and kernels-relaxed.wasm for hosts that have fused multiply-add.
// Options stand in asconfig.json.
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, "..", "..");
const targets = { plain: "kernels.wasm", relaxed: "kernels-relaxed.wasm" };

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Compiles what is not newer than every source; returns the outputs' paths. */
export async function build() {
  const sources = [join(root, "asconfig.json"), folder, ...readdirSync(folder).map((name) => join(folder, name))];
  const newest = Math.max(...sources.map(modified));
  const outputs = [];
  for (const [target, name] of Object.entries(targets)) {
    const output = join(root, "wasm", "out", name);
    outputs.push(output);
    if (modified(output) <= newest) await compile(target, output);
  }
  return outputs;
}

async function compile(target, output) {
  await mkdir(dirname(output), { recursive: true });
  // Compiled beside its place and renamed, so that nobody ever sees half a file.
  const unfinished = `${output}.${process.pid}`;
  const place = ["--baseDir", root, "--config", join(root, "asconfig.json")];
  const { error, stderr } = await main([...place, "--target", target, "--outFile", relative(root, unfinished)]);
  if (error) {
    rmSync(unfinished, { force: true });
    throw new Error(`asc could not compile wasm/kernels (${target}): ${error.message}\n${stderr}`);
  }
  renameSync(unfinished, output);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log((await build()).join("\n"));
