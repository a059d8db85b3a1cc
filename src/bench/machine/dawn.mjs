// Runs a program of this repository in Deno on Dawn, Chrome's WebGPU, in place of Deno's own:
//
//   deno run -A src/bench/machine/dawn.mjs PROGRAM [ARGUMENT ...]
//
// Dawn comes as a binding for Node (the npm package webgpu), which Deno loads. ERWIN_DAWN names options of it, one a word:
// "disable-dawn-features=..." among them; the default gives access to half precision on NVIDIA and to matrix units.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const OPTIONS = "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia";

const { create, globals } = createRequire(import.meta.url)("webgpu");
Object.assign(globalThis, globals);
const gpu = create((process.env.ERWIN_DAWN ?? OPTIONS).split(" "));
Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });

const [program] = process.argv.splice(2, 1);
await import(pathToFileURL(resolve(program)).href);
