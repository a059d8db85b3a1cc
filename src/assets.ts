// The files the library loads while it runs, which lie beside its own: workers and WebAssembly modules. They are written in the
// two forms that bundlers understand, `new Worker(new URL("...", import.meta.url), { type: "module" })` and `new URL("...",
// import.meta.url)`. The build puts in the files' names (src/build/assets.mjs). The model's worker, which uses all of these, is
// apart from them (src/worker/script.ts): bundlers refuse a worker that names itself.

/** A worker of the library, or one that its user gave in place of it. */
export interface WorkerScript {
  /** What it is: a page that starts one for its worker goes by this. */
  readonly name: "pool" | "kernels" | "model";
  /** Where it is, unless a bundler has put it elsewhere: that only `create` knows. */
  readonly url: URL;
  create(): Worker;
}

/** Apart from its use, where bundlers would look for the file. */
const here = import.meta.url;
const beside = (name: string) => new URL(name, here);

/** A thread that builds trees and graphs. */
export const poolScript = (): WorkerScript => ({
  name: "pool",
  url: beside("pool-worker.js"),
  create: () => new Worker(new URL("../workers/pool.ts", import.meta.url), { type: "module" }),
});

/** A thread of the CPU backend. */
export const kernelsScript = (): WorkerScript => ({
  name: "kernels",
  url: beside("kernels-worker.js"),
  create: () => new Worker(new URL("../workers/kernels.ts", import.meta.url), { type: "module" }),
});

export const balltreeModule = () => new URL("../wasm/out/balltree.wasm", import.meta.url);
export const kernelsModule = () => new URL("../wasm/out/kernels.wasm", import.meta.url);
/** With fused multiply-add. */
export const relaxedKernelsModule = () => new URL("../wasm/out/kernels-relaxed.wasm", import.meta.url);
