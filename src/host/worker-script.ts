// The description of a worker script, from which a host starts it.
import { startWorkerAt } from "./trusted.ts";

/** A worker script of the library, or one that its user gave instead. */
export interface WorkerScript {
  /** Identifies the script, also when a page starts one for its worker. */
  readonly name: "pool" | "kernels" | "model" | "data";
  /** The URL of the script, unless a bundler has moved it: only `create` knows that. */
  readonly url: URL;
  create(): Worker;
}

/** A script whose URL is known. */
export const scriptAt = (name: WorkerScript["name"], url: URL): WorkerScript => ({
  name,
  url,
  create: () => startWorkerAt(url.href, { type: "module" }),
});
