// Creates the pipelines of a list of kernels on Direct3D 12, and writes a line for each as soon as it is there: its name, the time in
// milliseconds, and the compiler's error if there is one. Runs in Windows' programs, whose own output Wine does not pass on.
//
//   node.exe pipelines.mjs KERNELS.json OUTPUT      with Dawn, Chrome's WebGPU (the npm package webgpu; Tint)
//   deno.exe run -A pipelines.mjs KERNELS.json OUTPUT      with wgpu, Firefox's (naga)
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";
import { createPipeline, requestDeviceFor } from "../static/kernel-pipeline.mjs";

const [list, output] = process.argv.slice(2);

async function dawn() {
  // TypeScript would take the package's declarations for those of all files.
  const { create, globals } = await import(/** @type {string} */ ("webgpu"));
  Object.assign(globalThis, globals);
  return create(["backend=d3d12"]);
}

const gpu = "Deno" in globalThis ? navigator.gpu : await dawn();
const adapter = await gpu.requestAdapter();
if (!adapter) throw new Error("Direct3D 12 offers no adapter");
const device = await requestDeviceFor(adapter);

/** Returns the compiler's error, if there is one. */
async function compile(/** @type {import("../static/record.ts").Kernel} */ kernel) {
  device.pushErrorScope("validation");
  device.pushErrorScope("internal");
  createPipeline(device, kernel);
  const [internal, validation] = [await device.popErrorScope(), await device.popErrorScope()];
  const error = internal ?? validation;
  // Deno's errors of compilers have no message.
  return error && (error.message || "the compiler gives no reason");
}

for (const kernel of JSON.parse(readFileSync(list, "utf8"))) {
  // DXC alone has half precision.
  if (kernel.code.includes("enable f16") && !device.features.has("shader-f16")) continue;
  const start = performance.now();
  const error = await compile(kernel);
  const milliseconds = Math.round(performance.now() - start);
  appendFileSync(output, `${JSON.stringify({ kernel: kernel.label, milliseconds, error })}\n`);
}
// Dawn keeps the process alive otherwise.
process.exit(0);
