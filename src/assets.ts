// The files that the library loads at run time, which are beside its own: workers and WebAssembly modules. They are
// referenced in the two forms that bundlers recognise, `new Worker(new URL("...", import.meta.url), { type: "module"
// })` and `new URL("...", import.meta.url)`. The build inserts the files' names (src/build/assets.mjs). The model's
// worker, which uses all of these, is in a separate file (src/worker/script.ts): bundlers reject a worker that
// references itself.
import { givenUrl } from "./host/given-assets.ts";
import { absolute, located, MOVED, unmoved } from "./host/moved.ts";
import { addressOf } from "./host/origin.ts";
import { scriptAt, type WorkerScript } from "./host/worker-script.ts";

/** @param create creates the worker in the form that bundlers recognise */
export function workerScript(name: WorkerScript["name"], create: () => Worker): WorkerScript {
  const file = `${name}-worker.js` as const;
  const url = givenUrl(file);
  if (url) return scriptAt(name, url);
  const { href } = located(balltreeUrl);
  // This is not new URL(file, import.meta.url): Turbopack would look for a file whose name it does not know.
  const beside = absolute(href.replace(/[^/?#]*([?#].*)?$/, file));
  if (href.includes(MOVED)) return scriptAt(name, unmoved(beside));
  // A bundler that has put the modules into its script leaves nothing that the worker would be beside.
  const address = href.startsWith("data:") ? located(() => addressOf(create)) : (namedAddress(create) ?? beside);
  return { name, url: address, create };
}

/** The address by the name that a bundler gave the script; undefined where the name is made while the page runs, or is not to be had. */
function namedAddress(create: () => Worker): URL | undefined {
  if (typeof globalThis.Worker !== "function") return undefined;
  try {
    const url = addressOf(create);
    return url.protocol === "blob:" ? undefined : url;
  } catch {
    return undefined;
  }
}

/** The script of a thread that builds trees and graphs. */
export const poolScript = () =>
  workerScript("pool", () => new Worker(new URL("../workers/pool.ts", import.meta.url), { type: "module" }));

/** The script of a thread of the CPU backend. */
export const kernelsScript = () =>
  workerScript("kernels", () => new Worker(new URL("../workers/kernels.ts", import.meta.url), { type: "module" }));

// Not arrow functions: what packs a server's files (@vercel/nft, used by Vercel, Next and Nuxt) does not see URLs that those return.
function balltreeUrl(): URL {
  return new URL("../wasm/out/balltree.wasm", import.meta.url);
}

function kernelsUrl(): URL {
  return new URL("../wasm/out/kernels.wasm", import.meta.url);
}

function relaxedKernelsUrl(): URL {
  return new URL("../wasm/out/kernels-relaxed.wasm", import.meta.url);
}

export const balltreeModule = () => givenUrl("balltree.wasm") ?? unmoved(located(balltreeUrl));
export const kernelsModule = () => givenUrl("kernels.wasm") ?? unmoved(located(kernelsUrl));
/** The module with fused multiply-add. */
export const relaxedKernelsModule = () => givenUrl("kernels-relaxed.wasm") ?? unmoved(located(relaxedKernelsUrl));
