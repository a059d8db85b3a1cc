// When workers are ended: Chromium (156) often never takes down a worker that is itself ended while workers of its own are ending, nor
// does one in ten of those whose own workers sleep. It keeps their threads and memory until the page is left, while its developer
// tools and locks say that they have ended. Whoever has just disposed a device in a worker of theirs often ends that at once.

import { nodeThreads } from "./node-thread.ts";

/** In a worker, its threads are ended this much later, when they sleep. Chromium takes 20 ms for it on two busy cores. */
const THREAD_MS = 500;

/** A worker that has threads is ended when these have gone. */
export const MODEL_MS = 3 * THREAD_MS;

/** Ends a worker: outside of browsers at once, in them after this many milliseconds; by default at once on a page, for one without threads. */
export function endWorker(worker: { terminate(): unknown }, delay = globalThis.document ? 0 : THREAD_MS): void {
  if (delay === 0 || nodeThreads()) worker.terminate();
  else setTimeout(() => worker.terminate(), delay);
}
