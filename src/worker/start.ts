// Starts a worker script and waits for its greeting.

import { DeviceError } from "../errors.ts";
import { NodeThread, nodeThreads } from "../host/node-thread.ts";
import { createWorker } from "../host/origin.ts";
import { within } from "../host/patience.ts";
import { START_SECONDS, workerError } from "../host/worker.ts";
import type { WorkerScript } from "../host/worker-script.ts";

/** The part of a web worker that is used, which a Node thread can provide too. */
export type ModelThread = Pick<Worker, "addEventListener" | "removeEventListener" | "postMessage" | "terminate">;

/**
 * Returns Node's threads on hosts without web workers. Some libraries, onnxruntime-web among them, define a global
 * Worker there as Node's own class, which is not a web worker.
 */
const threadsForWorkers = () =>
  "Deno" in globalThis || globalThis.Worker?.prototype instanceof EventTarget ? undefined : nodeThreads();

/**
 * Starts a module worker and resolves when it has sent its greeting.
 * @throws WorkerError naming the URL if the script cannot be loaded, fails, or sends something else; DeviceError if
 *   the host has no workers
 */
export async function startWorker(script: WorkerScript, greeting: string): Promise<ModelThread> {
  const threads = threadsForWorkers();
  if (typeof globalThis.Worker !== "function" && !threads) {
    throw new DeviceError("this host has no workers: use a model without one (requestDevice, ErwinTransformer)");
  }
  let worker: ModelThread | undefined;
  try {
    worker = threads ? (new NodeThread(threads, script.url) as ModelThread) : announcing(createWorker(script));
    await greeted(worker, greeting);
    return worker;
  } catch (error) {
    worker?.terminate();
    throw workerError(script.url, (error as Error).message);
  }
}

/** Returns a worker that reports its termination as an error, because hosts do not report it. */
function announcing(worker: Worker): Worker {
  const { terminate } = worker;
  worker.terminate = () => {
    terminate.call(worker);
    worker.dispatchEvent(Object.assign(new Event("error"), { message: "it was terminated" }));
  };
  return worker;
}

function greeted(worker: ModelThread, greeting: string): Promise<void> {
  const first = new Promise<void>((resolve, reject) => {
    worker.addEventListener("error", (event) => {
      // Otherwise Deno ends the process.
      event.preventDefault();
      reject(new Error(event.message));
    });
    const listen = ({ data }: MessageEvent) => {
      if (data === greeting) resolve();
      else reject(new Error("it is not the worker of this version of the library"));
    };
    worker.addEventListener("message", listen, { once: true });
  });
  return within(START_SECONDS, first);
}
