// Firefox checks only every 100 ms whether the GPU is done (its bug 1870699), unless something is submitted in between.

import { isFirefox } from "../../host/environment.ts";

/** Milliseconds between submissions. */
const INTERVAL = 1;

/** Awaits `pending`, which waits for the queue's work; in Firefox it makes empty submissions until then. */
export async function nudged<Result>(queue: Pick<GPUQueue, "submit">, pending: Promise<Result>): Promise<Result> {
  if (!isFirefox()) return pending;
  const timer = setInterval(() => queue.submit([]), INTERVAL);
  try {
    return await pending;
  } finally {
    clearInterval(timer);
  }
}
