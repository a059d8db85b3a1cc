// Workers whose script is on another host than the page, as when the library comes from a CDN.

import { startModuleWorker, whereTrusted } from "./trusted.ts";
import type { WorkerScript } from "./worker-script.ts";

/**
 * Deno has no origin, and runs scripts from everywhere; files and URLs that a page has created have no origin of their
 * own.
 */
const isForeign = ({ protocol, origin }: URL) =>
  globalThis.origin !== undefined && protocol !== "file:" && origin !== "null" && origin !== globalThis.origin;

/**
 * Creates a module worker. Browsers run only worker scripts of the page's own origin, while modules may come from
 * anywhere: a script from elsewhere is started through a module that imports it.
 */
export function createWorker({ url, create }: WorkerScript): Worker {
  return whereTrusted(() => (isForeign(url) ? importFrom(url) : create()));
}

function importFrom(url: URL): Worker {
  const source = `import ${JSON.stringify(url.href)};`;
  // In a sandboxed frame, which has no origin, Chromium (156) runs no modules from blobs.
  if (globalThis.origin === "null") return startModuleWorker(`data:text/javascript,${encodeURIComponent(source)}`);
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = startModuleWorker(address);
  // Once the worker has sent a message or failed, it has read its script.
  for (const type of ["message", "error"]) {
    worker.addEventListener(type, () => URL.revokeObjectURL(address), { once: true });
  }
  return worker;
}
