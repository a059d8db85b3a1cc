// What a host needs in order to start a worker.
import { startModuleWorker } from "./trusted.ts";

/** A worker of the library, or one that its user gave in place of it. */
export interface WorkerScript {
  /** What it is: a page that starts one for its worker goes by this. */
  readonly name: "pool" | "kernels" | "model";
  /** Where it is, unless a bundler has put it elsewhere: that only `create` knows. */
  readonly url: URL;
  create(): Worker;
}

/** A script whose URL is known. */
export const scriptAt = (name: WorkerScript["name"], url: URL): WorkerScript => ({
  name,
  url,
  create: () => startModuleWorker(url.href),
});
