// Workers whose script lies on another host than the page, as when the library comes from a CDN.
import type { WorkerScript } from "../assets.ts";
import { startModuleWorker, whereTrusted } from "./trusted.ts";

/** Deno has no origin, and runs scripts from everywhere; files, and what a page has made itself, have none of their own. */
const isForeign = ({ protocol, origin }: URL) =>
  globalThis.origin !== undefined && protocol !== "file:" && origin !== "null" && origin !== globalThis.origin;

/**
 * A module worker. Browsers run worker scripts of the page's own origin only, while modules may come from anywhere: a script
 * from elsewhere is started through a module that imports it.
 */
export function createWorker({ url, create }: WorkerScript): Worker {
  return whereTrusted(() => (isForeign(url) ? importFrom(url) : create()));
}

function importFrom(url: URL): Worker {
  const source = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const worker = startModuleWorker(address);
  // Once the worker has spoken or failed it has read its script.
  for (const type of ["message", "error"]) {
    worker.addEventListener(type, () => URL.revokeObjectURL(address), { once: true });
  }
  return worker;
}
