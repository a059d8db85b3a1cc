// When workers are ended: Chromium (156) never takes down a worker that is itself ended while workers of its own are ending. It keeps
// their threads and memory until the page is left. Whoever has just disposed a device in a worker of theirs often ends that at once.

import { nodeModule } from "./environment.ts";

/** In a worker, its threads are ended this much later, when they sleep. Chromium takes 20 ms for it on two busy cores. */
const THREAD_MS = 500;

/** So that it is not ended while its threads are. */
export const MODEL_MS = 3 * THREAD_MS;

/** Ends a worker: at once on a page and outside of browsers, otherwise after this many milliseconds. */
export function endWorker(worker: { terminate(): unknown }, delay = THREAD_MS): void {
  if (globalThis.document || nodeModule("node:worker_threads")) worker.terminate();
  else setTimeout(() => worker.terminate(), delay);
}
