// Workers whose script lies on another host than the page, as when the library comes from a CDN.
import type { WorkerScript } from "../assets.ts";

/** Deno has no origin, and runs scripts from everywhere. */
const isForeign = ({ protocol, origin }: URL) =>
  globalThis.origin !== undefined && origin !== globalThis.origin && /^https?:$/.test(protocol);

/**
 * A module worker. Browsers run worker scripts of the page's own origin only, while modules may come from anywhere: a script
 * from elsewhere is started through a module that imports it.
 */
export function createWorker({ url, create }: WorkerScript): Worker {
  if (!isForeign(url)) return create();
  const source = new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const worker = new Worker(address, { type: "module" });
  // Once the worker has spoken or failed it has read its script.
  for (const type of ["message", "error"]) {
    worker.addEventListener(type, () => URL.revokeObjectURL(address), { once: true });
  }
  return worker;
}
