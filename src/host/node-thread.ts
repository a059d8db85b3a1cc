// Threads of Node, which Deno and Bun have too.

import { nodeModule } from "./environment.ts";

// A simulated page may put its own classes here later, whose events the host's EventTarget refuses.
const { Event, MessageEvent } = globalThis;

type WorkerThreads = typeof import("node:worker_threads");

/** Returns what makes such threads, on hosts that have them. */
export const nodeThreads = () => nodeModule<WorkerThreads>("node:worker_threads");

/** A thread with the interface of a web worker. Unlike that, it can be told not to keep the process alive. */
export class NodeThread extends EventTarget {
  readonly #thread: import("node:worker_threads").Worker;

  /** @throws Error if the host refuses */
  constructor({ Worker }: WorkerThreads, url: URL) {
    super();
    try {
      this.#thread = new Worker(threadScript(url), { execArgv: [] });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ERR_ACCESS_DENIED") throw cause;
      throw new Error("Node's permissions forbid threads; --allow-worker allows them", { cause });
    }
    const fail = (message: string) => this.dispatchEvent(Object.assign(new Event("error"), { message }));
    this.#thread.on("message", (data) => this.dispatchEvent(new MessageEvent("message", { data })));
    this.#thread.on("messageerror", () => this.dispatchEvent(new Event("messageerror")));
    this.#thread.on("error", (error: Error) => fail(error.message));
    this.#thread.on("exit", (code) => fail(`it ended with exit code ${code}`));
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#thread.postMessage(message, transfer as never);
  }

  setRef(alive: boolean): void {
    if (alive) this.#thread.ref();
    else this.#thread.unref();
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}

/** Node's threads run only scripts from files and data URLs; in Deno a data module may import modules from the web. */
function threadScript(url: URL): URL {
  if (!/^https?:$/.test(url.protocol)) return url;
  return new URL(`data:text/javascript,${encodeURIComponent(`import ${JSON.stringify(url.href)};`)}`);
}
