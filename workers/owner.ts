// A worker's owner, whatever the host: a parent thread in Node and Deno, a page or a worker in a browser.

export interface Owner<FromWorker> {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  /** Lets the worker end, once it has nothing left to do. */
  leave(): void;
}

/** What a worker's global scope has and a page's has not. */
interface DedicatedWorkerScope<ToWorker, FromWorker> {
  addEventListener(type: "message", listener: (event: { data: ToWorker }) => void): void;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  close(): void;
}

/** Listens to the owner from now on. */
export function connectToOwner<ToWorker, FromWorker>(receive: (message: ToWorker) => void): Owner<FromWorker> {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const threads = host?.getBuiltinModule?.("node:worker_threads") as typeof import("node:worker_threads") | undefined;
  const port = threads?.parentPort;
  if (port) {
    port.on("message", receive);
    return {
      postMessage: (message, transfer = []) => port.postMessage(message, transfer as never),
      leave: () => port.close(),
    };
  }
  const scope = globalThis as unknown as DedicatedWorkerScope<ToWorker, FromWorker>;
  scope.addEventListener("message", (event) => receive(event.data));
  return { postMessage: (message, transfer = []) => scope.postMessage(message, transfer), leave: () => scope.close() };
}
