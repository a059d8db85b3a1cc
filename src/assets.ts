// The files the library loads while it runs, which lie beside its own: workers and WebAssembly modules. They are written in the
// two forms that bundlers understand, `new Worker(new URL("...", import.meta.url), { type: "module" })` and `new URL("...",
// import.meta.url)`. The build puts in the files' names (src/build/assets.mjs). The model's worker, which uses all of these, is
// apart from them (src/worker/script.ts): bundlers refuse a worker that names itself.
import { givenUrl } from "./host/given-assets.ts";
import { scriptAt, type WorkerScript } from "./host/worker-script.ts";

/** Vite before 8 moves the library, while a page is developed, without its files to a folder beside it. */
const unmoved = ({ href }: URL) => new URL(href.replace("/.vite/deps/", "/erwin/dist/assets/"));
const isMoved = () => unmoved(balltreeUrl()).href !== balltreeUrl().href;

/** Apart from its use, where bundlers would look for the file. */
const here = import.meta.url;

/** @param create as bundlers understand it */
export function workerScript(name: WorkerScript["name"], create: () => Worker): WorkerScript {
  const file = `${name}-worker.js` as const;
  const url = givenUrl(file);
  if (url) return scriptAt(name, url);
  const beside = new URL(file, here);
  return isMoved() ? scriptAt(name, unmoved(beside)) : { name, url: beside, create };
}

/** A thread that builds trees and graphs. */
export const poolScript = () =>
  workerScript("pool", () => new Worker(new URL("../workers/pool.ts", import.meta.url), { type: "module" }));

/** A thread of the CPU backend. */
export const kernelsScript = () =>
  workerScript("kernels", () => new Worker(new URL("../workers/kernels.ts", import.meta.url), { type: "module" }));

const balltreeUrl = () => new URL("../wasm/out/balltree.wasm", import.meta.url);
const kernelsUrl = () => new URL("../wasm/out/kernels.wasm", import.meta.url);
const relaxedKernelsUrl = () => new URL("../wasm/out/kernels-relaxed.wasm", import.meta.url);

export const balltreeModule = () => givenUrl("balltree.wasm") ?? unmoved(balltreeUrl());
export const kernelsModule = () => givenUrl("kernels.wasm") ?? unmoved(kernelsUrl());
/** With fused multiply-add. */
export const relaxedKernelsModule = () => givenUrl("kernels-relaxed.wasm") ?? unmoved(relaxedKernelsUrl());
