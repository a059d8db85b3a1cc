// Threads for a worker of the user's own in which the library computes: where a page has to start them for it.

import { kernelsScript, poolScript } from "../assets.ts";
import { borrowThreads, type LentThreads, lendThreads } from "../host/page-threads.ts";
import { pageStartsThreads } from "../host/worker.ts";

export { borrowThreads, type LentThreads };

/**
 * For a page with a worker of its own in which the library computes: the threads of that worker. In Firefox threads that a
 * worker starts sometimes never begin, so that the page starts them. Post `port` to the worker, as a transferred object, where
 * `borrowThreads(port)` takes it before anything else; call `stop()` when the worker has ended. `createErwinWorker` does this
 * by itself.
 * @returns undefined where a worker starts its threads itself, and where threads share no memory
 */
export const lendPageThreads = (): LentThreads | undefined =>
  pageStartsThreads() ? lendThreads([poolScript(), kernelsScript()]) : undefined;
