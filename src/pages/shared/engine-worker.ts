// Starts a worker of the site that computes with the library, and ends it with all its threads.

import { loadEngine } from "./engine.ts";
import { answerPage, atFarewell } from "./signs-of-life.ts";
import { SiteWorker, type StartedWorker } from "./site-worker.ts";

/** @param url the address that `import url from "./worker.ts?worker&url"` gives; the script calls `takeEngine` first */
export async function startEngineWorker(url: string, name: string): Promise<StartedWorker> {
  const { lendPageThreads } = await loadEngine();
  const threads = lendPageThreads();
  const site = new SiteWorker(url, name);
  site.worker.postMessage({ threads: threads?.port }, threads ? [threads.port] : []);
  const stop = () => {
    site.stop();
    threads?.stop();
  };
  return { site, stop };
}

/** Used in such a worker: loads the library once the page has said where its threads come from. Later messages are the caller's. */
export function takeEngine(): Promise<typeof import("erwin")> {
  answerPage();
  return new Promise((resolve, reject) => {
    const take = ({ data }: MessageEvent<string | { threads?: MessagePort }>) => {
      // The page also asks whether the worker is alive.
      if (typeof data === "string" || !("threads" in data)) return;
      removeEventListener("message", take);
      loadEngine().then((erwin) => {
        if (data.threads) erwin.borrowThreads(data.threads);
        atFarewell(() => void erwin.disposeThreads());
        resolve(erwin);
      }, reject);
    };
    addEventListener("message", take);
  });
}
