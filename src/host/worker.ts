// Workers with one interface on every host.

import { WorkerError } from "../errors.ts";
import { endWorker } from "./ending.ts";
import { isElectronWindow, isFirefox } from "./environment.ts";
import { isLifeMessage, type LifeMessage, lifeName, whenEnded } from "./life.ts";
import { NodeThread, nodeThreads } from "./node-thread.ts";
import { createWorker } from "./origin.ts";
import { BorrowedThread, borrowsThreads } from "./page-threads.ts";
import { afterPatience } from "./patience.ts";
import type { WorkerScript } from "./worker-script.ts";

/**
 * A worker that sends no message for this long after its start is given up; a script that loads but is not ours would
 * never send one.
 */
export const START_SECONDS = 60;

/** A worker in a browser, Deno or Node. */
export interface HostWorker {
  post(message: unknown, transfer?: Transferable[]): void;
  /** Sets whether the worker keeps the process alive; has no effect in a browser. */
  setRef(alive: boolean): void;
  stop(): void;
}

export interface HostWorkerListener {
  onMessage(message: unknown): void;
  /** The script did not load or sent nothing for a long time, or the worker ended or threw. */
  onError(error: WorkerError): void;
}

/** The part of a web worker that is used, and what only a Node thread has. */
type Thread = Pick<Worker, "addEventListener" | "postMessage" | "terminate"> & Partial<Pick<NodeThread, "setRef">>;

/**
 * Whether this is a page that has to start the threads of its workers: in Firefox, threads that a worker starts
 * sometimes never begin.
 */
export const pageStartsThreads = () =>
  isFirefox() && globalThis.document !== undefined && globalThis.crossOriginIsolated === true;

/**
 * Whether this host can start workers. Some browsers have none inside a worker, and those of Firefox are unreliable
 * there.
 */
export function hasWorkers({ url }: WorkerScript): boolean {
  if (isFirefox() && globalThis.document === undefined) return borrowsThreads();
  return typeof Worker === "function" || (url.protocol === "file:" && nodeThreads() !== undefined);
}

/** Starts a module worker. Throws a WorkerError if the host refuses at once; later errors go to the listener. */
export function startWorker(script: WorkerScript, listener: HostWorkerListener): HostWorker {
  const { url } = script;
  // Deno has both kinds. A Node worker can be told not to keep the process alive, a web worker cannot.
  const mayBeThread = (url.protocol === "file:" && !isElectronWindow()) || "Deno" in globalThis;
  const threads = mayBeThread ? nodeThreads() : undefined;
  const giveUp = () => listener.onError(workerError(url, `it did not answer within ${START_SECONDS} s`));
  const endWait = afterPatience(START_SECONDS, giveUp);
  const timed: HostWorkerListener = {
    onMessage: (message) => {
      endWait();
      listener.onMessage(message);
    },
    onError: (error) => {
      endWait();
      listener.onError(error);
    },
  };
  try {
    const worker = startThread(script, threads, timed);
    const stop = () => {
      endWait();
      worker.stop();
    };
    return { ...worker, stop };
  } catch (error) {
    endWait();
    throw error;
  }
}

/** @param reason why the script did not begin, or ended; browsers give an empty one, or none */
export function workerError({ href: url }: URL, reason = ""): WorkerError {
  const why = reason.replace(/\.$/, "") || "no reason given";
  const advice =
    "Check that the file is served as text/javascript beside the library, or say where it is by setAssets(), that no policy forbids it " +
    "(worker-src), and that it has the header Cross-Origin-Embedder-Policy if the page has it";
  return new WorkerError(`The worker script ${url} could not be loaded or stopped: ${why}. ${advice}.`, {
    url,
    reason,
  });
}

/** Starts the script and tells the listener of what happens, until the worker is stopped. */
function startThread(
  script: WorkerScript,
  threads: ReturnType<typeof nodeThreads>,
  listener: HostWorkerListener,
): HostWorker {
  const { url } = script;
  const worker = createThread(script, threads);
  let stopped = false;
  let stopWaiting = () => {};
  const fail = (reason?: string) => {
    if (!stopped) listener.onError(workerError(url, reason));
  };
  worker.addEventListener("message", ({ data }) => {
    if (stopped) return;
    if (isLifeMessage(data)) stopWaiting = whenEnded(data.life, () => fail("it ended"));
    else listener.onMessage(data);
  });
  worker.addEventListener("messageerror", () => fail("a message could not be read"));
  worker.addEventListener("error", (event) => {
    // An unhandled error would end a Deno process.
    event.preventDefault();
    fail(event.message);
  });
  // Node's threads report their end by themselves.
  const life = threads ? undefined : lifeName();
  if (life) worker.postMessage({ life } satisfies LifeMessage);
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    setRef: (alive) => worker.setRef?.(alive),
    stop: () => {
      stopped = true;
      stopWaiting();
      endWorker(worker);
    },
  };
}

function createThread(script: WorkerScript, threads: ReturnType<typeof nodeThreads>): Thread {
  try {
    if (threads) return new NodeThread(threads, script.url) as Thread;
    return borrowsThreads() ? (new BorrowedThread(script) as Thread) : createWorker(script);
  } catch (error) {
    // A security policy forbids it.
    throw workerError(script.url, error instanceof Error ? error.message : String(error));
  }
}
