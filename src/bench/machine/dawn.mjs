// Runs a program of this repository in Deno on Dawn, Chrome's WebGPU, in place of Deno's own:
//
//   deno run -A src/bench/machine/dawn.mjs [--dawn-features NAME,...] PROGRAM [ARGUMENT ...]
//
// Dawn comes as a binding for Node (the npm package webgpu), which Deno loads. --dawn-features enables more of its toggles by name.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { denoEnvironment } from "../../build/deno.mjs";
import { installDawn } from "../../cli/node-gpu.ts";

const OPTION = "--dawn-features";

// Vulkan's loader and drivers read these variables, too.
Object.assign(process.env, denoEnvironment());
const toggles = process.argv[2] === OPTION ? process.argv.splice(2, 2)[1].split(",") : [];
const [program] = process.argv.splice(2, 1);
const remove = await installDawn(toggles);
if (!remove) throw new Error("the npm package webgpu is not installed");
try {
  await import(pathToFileURL(resolve(program)).href);
} finally {
  remove();
}
