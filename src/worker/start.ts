// Starts a worker script and tells whether it came up.

import { sameOriginScript } from "../balltree/origin.ts";
import { DeviceError, WorkerError } from "../errors.ts";

/** A script that loads but is none of ours would never answer. */
const PATIENCE_SECONDS = 60;

/**
 * A running module worker, once it has sent its greeting.
 * @throws WorkerError naming the URL when the script cannot be loaded, fails, or sends something else; DeviceError where
 *   the host has no web workers
 */
export async function startWorker(url: URL, greeting: string): Promise<Worker> {
  if (typeof globalThis.Worker !== "function") {
    throw new DeviceError("this host has no web workers: use a model without one (requestDevice, ErwinTransformer)");
  }
  const script = sameOriginScript(url);
  let worker: Worker | undefined;
  try {
    worker = new Worker(script, { type: "module" });
    await greeted(worker, greeting);
    return worker;
  } catch (error) {
    worker?.terminate();
    const reason = (error as Error).message;
    throw new WorkerError(
      `the worker script ${url} could not be started${reason ? `: ${reason}` : ""}. ` +
        'Serve it next to the library, or say where it is by the option "url"',
      { url: url.href, reason },
    );
  } finally {
    if (script !== url) URL.revokeObjectURL(script.href);
  }
}

function greeted(worker: Worker, greeting: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const first = new Promise<void>((resolve, reject) => {
    worker.addEventListener("error", (event) => {
      // Deno ends the process otherwise.
      event.preventDefault();
      reject(new Error(event.message));
    });
    const listen = ({ data }: MessageEvent) => {
      if (data === greeting) resolve();
      else reject(new Error("it is not the worker of this version of the library"));
    };
    worker.addEventListener("message", listen, { once: true });
    const giveUp = () => reject(new Error(`it did not answer within ${PATIENCE_SECONDS} s`));
    timer = setTimeout(giveUp, PATIENCE_SECONDS * 1000);
  });
  return first.finally(() => clearTimeout(timer));
}
