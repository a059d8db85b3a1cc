// Prints a kernel as it is compiled with given constants.
//
//   node src/build/expand.mjs gpu/NAME.wgsl CONSTANT=VALUE ...     constants that are flags may be given without =1

import { basename, join } from "node:path";
import { runnerImport } from "vite";
import { printHelp } from "./arguments.mjs";
import { CommandError, main } from "./run.mjs";
import { root } from "./steps.mjs";

/** @param {string} word */
function constantOf(word) {
  const [, name, value = "1"] = /^([A-Za-z]\w*)(?:=(\d+))?$/.exec(word) ?? [];
  if (!name) throw new CommandError(`expand: "${word}" is not CONSTANT=VALUE with a whole number;`, 2);
  return [name, Number(value)];
}

await main(async () => {
  printHelp();
  const [file, ...words] = process.argv.slice(2);
  if (!file) throw new CommandError("expand: a kernel is needed, such as gpu/linear.wgsl;", 2);
  /** @type {{ module: typeof import("../backends/webgpu/kernels.ts") }} */
  const { module } = await runnerImport(join(root, "src/backends/webgpu/kernels.ts"));
  try {
    console.log(module.kernelSource(basename(file, ".wgsl"), Object.fromEntries(words.map(constantOf))).code);
  } catch (error) {
    if (!(error instanceof Error && error.name === "KernelError")) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
});
