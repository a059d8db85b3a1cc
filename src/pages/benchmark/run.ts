// One run of the suite, as seen by the page: its worker, the wake lock, and the handling of a hidden page.

import type { BenchResult, SuiteProgress } from "erwin/bench";
import goldenUrl from "../../../test/golden/s_small_clouds_eval.safetensors?url";
import { startEngineWorker } from "../shared/engine-worker.ts";
import { keepAwake } from "../shared/keep-awake.ts";
import type { SiteWorker, StartedWorker } from "../shared/site-worker.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import workerUrl from "./worker.ts?worker&url";

export interface RunListener {
  onProgress(progress: SuiteProgress): void;
  /** Receives the measurements after each round, which are kept if the run ends early. */
  onPartial(result: BenchResult): void;
}

/** A run that can be cancelled. */
export class Run {
  /** Resolves to the result, or to undefined after `cancel`. Rejects if the run failed. */
  readonly result: Promise<BenchResult | undefined>;
  #cancel = () => {};

  constructor(quick: boolean, listener: RunListener) {
    const cancelled = new Promise<undefined>((resolve) => (this.#cancel = () => resolve(undefined)));
    this.result = measure(quick, listener, cancelled);
  }

  cancel(): void {
    this.#cancel();
  }
}

async function measure(quick: boolean, listener: RunListener, cancelled: Promise<undefined>) {
  const unlock = keepAwake();
  let starting: Promise<StartedWorker> | undefined;
  const ended = new AbortController();
  try {
    const golden = await Promise.race([fetchBytes(goldenUrl), cancelled]);
    if (!golden) return undefined;
    starting = startEngineWorker(workerUrl, "benchmark");
    const engine = await Promise.race([starting, cancelled]);
    if (!engine) return undefined;
    const { site } = engine;
    const tellHidden = () => send(site, { type: "hidden", hidden: document.hidden });
    document.addEventListener("visibilitychange", tellHidden, { signal: ended.signal });
    if (document.hidden) tellHidden();
    const done = new Promise<BenchResult>((resolve, reject) => {
      site.onMessage((message: FromWorker) => {
        if (message.type === "progress") listener.onProgress(message.progress);
        else if (message.type === "partial") listener.onPartial(message.result);
        else if (message.type === "done") resolve(message.result);
        else reject(new Error(message.message));
      });
    });
    send(site, { type: "run", golden, quick, memory: memoryOfMachine() });
    return await Promise.race([site.until(done), cancelled]);
  } finally {
    ended.abort();
    // Where it was cancelled before that, it is stopped when it has started.
    starting?.then(
      (engine) => engine.stop(),
      () => {},
    );
    unlock();
  }
}

const send = ({ worker }: SiteWorker, message: ToWorker) => worker.postMessage(message);

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok) {
    const reason = response ? `status ${response.status}` : "check the connection";
    throw new Error(`The known answer could not be loaded: ${reason}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Returns the machine's memory in bytes if the browser reports it; browsers report at most 8 GiB. */
function memoryOfMachine(): number | undefined {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return deviceMemory === undefined ? undefined : deviceMemory * 2 ** 30;
}
