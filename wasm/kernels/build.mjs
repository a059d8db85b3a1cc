// Compiles this folder into wasm/out/kernels.wasm, and kernels-relaxed.wasm for hosts that have fused multiply-add. The
// compiler's options are in asconfig.json.
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";
import { derive } from "./derived.mjs";

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, "..", "..");
const targets = { plain: "kernels.wasm", relaxed: "kernels-relaxed.wasm" };

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Compiles the outputs that are older than any source; returns the outputs' paths. */
export async function build() {
  const within = (...names) => names.map((name) => join(root, name));
  const shared = within("src/backends/operators.ts", "src/backends/cpu/module.ts", "src/backends/cpu/scratch.ts");
  const sources = [
    ...within("asconfig.json"),
    ...shared,
    folder,
    ...readdirSync(folder).map((name) => join(folder, name)),
  ];
  const newest = Math.max(...sources.map(modified));
  const outputs = Object.entries(targets).map(([target, name]) => ({ target, path: join(root, "wasm", "out", name) }));
  const old = outputs.filter(({ path }) => modified(path) <= newest);
  if (old.length > 0) await derive({ folder, root });
  for (const { target, path } of old) await compile(target, path);
  return outputs.map(({ path }) => path);
}

async function compile(target, output) {
  await mkdir(dirname(output), { recursive: true });
  // The output is written to another name and renamed, so that nobody reads half a file.
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
