// Creates the pipelines of a list of kernels one after the other, on a driver that dumps the SPIR-V it receives into a folder
// (lavapipe with MESA_SPIRV_DUMP_PATH); each file is then renamed after its kernel. Runs in the tools' Debian folder.
//
//   deno run -A src/bench/static/pipelines.ts KERNELS.json FOLDER                                  on Deno's WebGPU (naga)
//   deno run -A src/bench/machine/dawn.mjs src/bench/static/pipelines.ts KERNELS.json FOLDER       on Dawn (Tint)
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createPipeline, requestDeviceFor } from "./kernel-pipeline.mjs";
import type { NamedKernel } from "./spirv.ts";

const [list, folder] = process.argv.slice(2);
const kernels: NamedKernel[] = JSON.parse(readFileSync(list, "utf8"));

const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) throw new Error("there is no WebGPU adapter: is lavapipe installed?");
const device = await requestDeviceFor(adapter);

const seen = new Set(readdirSync(folder));
for (const { file, ...kernel } of kernels) {
  device.pushErrorScope("validation");
  createPipeline(device, kernel);
  const error = await device.popErrorScope();
  const written = readdirSync(folder).filter((name) => !seen.has(name));
  for (const name of written) seen.add(name);
  if (error || written.length !== 1) {
    const problem = error?.message ?? `${written.length} SPIR-V modules`;
    console.log(`${file}: ${problem.replaceAll("\n", " ")}`);
    continue;
  }
  renameSync(join(folder, written[0]), join(folder, `${file}.spv`));
  seen.add(`${file}.spv`);
}
// Dawn keeps the process alive otherwise.
process.exit(0);
