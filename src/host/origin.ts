// Workers whose script is on another host than the page, as when the library comes from a CDN.

import { absolute } from "./moved.ts";
import { startWorkerAt, whereTrusted } from "./trusted.ts";
import type { WorkerScript } from "./worker-script.ts";

/**
 * Deno has no origin, and runs scripts from everywhere; files and URLs that a page has created have no origin of their
 * own.
 */
const isForeign = ({ protocol, origin }: URL) =>
  globalThis.origin !== undefined && protocol !== "file:" && origin !== "null" && origin !== globalThis.origin;

/**
 * Creates a worker. Browsers run only worker scripts of the page's own origin, while modules and classic scripts may import from
 * anywhere: a script from elsewhere is started through one that imports it.
 */
export function createWorker({ url, create }: WorkerScript): Worker {
  return whereTrusted(() => (isForeign(url) ? importFrom(...argumentsOf(create)) : create()));
}

/**
 * Where a script is by what `create` gives to the constructor of workers: bundlers rename scripts, and put the new address only there.
 * @throws what `create` throws in a bundle that does not know its own address
 */
export const addressOf = (create: () => Worker): URL => absolute(argumentsOf(create)[0]);

/** What `create` gives to the constructor of workers; also whether the script is still a module, as webpack's are not. */
function argumentsOf(create: () => Worker): [url: string, options?: WorkerOptions] {
  const { Worker } = globalThis;
  let given: [string, WorkerOptions?] | undefined;
  globalThis.Worker = class {
    constructor(url: string | URL, options?: WorkerOptions) {
      given = [String(url), options];
    }
  } as unknown as typeof Worker;
  try {
    create();
  } finally {
    globalThis.Worker = Worker;
  }
  if (!given) throw new Error("the bundle starts its worker in another way");
  return given;
}

function importFrom(url: string, options?: WorkerOptions): Worker {
  const name = JSON.stringify(url);
  const source = options?.type ? `import ${name}` : `importScripts(${name})`;
  // In a sandboxed frame, which has no origin, Chromium (156) runs no modules from blobs.
  if (globalThis.origin === "null") return startWorkerAt(`data:text/javascript,${encodeURIComponent(source)}`, options);
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = startWorkerAt(address, options);
  // Once the worker has sent a message or failed, it has read its script.
  for (const type of ["message", "error"]) {
    worker.addEventListener(type, () => URL.revokeObjectURL(address), { once: true });
  }
  return worker;
}
