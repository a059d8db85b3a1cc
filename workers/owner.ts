// A worker's owner on any host: a parent thread in Node and Deno, a page or a worker in a browser.

import type { Endpoint } from "comlink";
import { nodeModule } from "../src/host/environment.ts";
import { holdLife, isLifeMessage, type LifeMessage } from "../src/host/life.ts";

export interface Owner<FromWorker> {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  /** Lets the worker end as soon as it has nothing left to do. Browsers wait for the owner to end it. */
  leave(): void;
}

type WorkerThreads = typeof import("node:worker_threads");

/** The members of a worker's global scope that a page does not have. */
interface DedicatedWorkerScope<ToWorker, FromWorker> {
  addEventListener(type: "message", listener: (event: MessageEvent<ToWorker | LifeMessage>) => void): void;
  postMessage(message: FromWorker | LifeMessage, transfer?: Transferable[]): void;
}

/** Receives the owner's messages from now on. */
export function connectToOwner<ToWorker, FromWorker>(receive: (message: ToWorker) => void): Owner<FromWorker> {
  const port = nodeModule<WorkerThreads>("node:worker_threads")?.parentPort;
  if (port) {
    port.on("message", receive);
    return {
      postMessage: (message, transfer = []) => port.postMessage(message, transfer as never),
      leave: () => port.close(),
    };
  }
  const scope = globalThis as unknown as DedicatedWorkerScope<ToWorker, FromWorker>;
  let owner: Pick<typeof scope, "postMessage"> = scope;
  let alive: Promise<void> = Promise.resolve();
  function take(data: ToWorker | LifeMessage): void {
    if (!isLifeMessage(data)) void alive.then(() => receive(data));
    // This comes first, because a thread that sleeps on shared memory receives no messages.
    else alive = holdLife(data.life).then((held) => (held ? owner.postMessage(data) : undefined));
  }
  scope.addEventListener("message", ({ data, ports: [port] }) => {
    if (!port) return take(data);
    // A page has started this thread for a worker, which is the owner, at the other end of the port.
    owner = port;
    port.onmessage = ({ data }) => take(data);
  });
  return { postMessage: (message, transfer = []) => owner.postMessage(message, transfer), leave: () => {} };
}

/** The owner as a comlink endpoint: a web worker's global scope, or the port of a Node thread. */
export function ownerEndpoint(): Endpoint {
  const isWebWorker = typeof globalThis.postMessage === "function";
  const port = isWebWorker ? undefined : nodeModule<WorkerThreads>("node:worker_threads")?.parentPort;
  return (port ?? globalThis) as unknown as Endpoint;
}
