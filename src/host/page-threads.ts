// Threads that a page runs on behalf of its worker: the worker requests one, and the page starts it and passes it the
// worker's port, over which the two communicate as a worker and its owner do. The thread belongs to the page, which
// ends it on request or when it ends them all.

import type { HostType } from "./host-type.ts";
import { createWorker } from "./origin.ts";
import type { WorkerScript } from "./worker-script.ts";

/** A worker's request for one thread. */
interface Order {
  script: WorkerScript["name"];
  /** The thread's end of the channel between the worker and it. */
  port: MessagePort;
  /** Over this port the page reports why the thread failed, and the worker asks to end the thread. */
  control: MessagePort;
}

/** A page's handle on the threads that it runs for a worker. */
export interface LentThreads {
  /** For the worker, which passes it to `borrowThreads`. */
  readonly port: HostType<"MessagePort">;
  /** Ends all threads; no more are started. */
  stop(): void;
}

/** Used on a page: starts threads of these scripts when a worker requests them. */
export function lendThreads(scripts: readonly WorkerScript[]): LentThreads {
  const threads = new Set<Worker>();
  const { port1: orders, port2: port } = new MessageChannel();

  function start({ script, port, control }: Order): void {
    const thread = createWorker(scripts.find(({ name }) => name === script)!);
    threads.add(thread);
    thread.addEventListener("error", ({ message }) => control.postMessage(message));
    control.onmessage = () => {
      if (threads.delete(thread)) thread.terminate();
      control.close();
    };
    thread.postMessage("port", [port]);
  }

  orders.onmessage = ({ data }: MessageEvent<Order>) => {
    try {
      start(data);
    } catch (error) {
      // A security policy forbids it.
      data.control.postMessage(error instanceof Error ? error.message : String(error));
    }
  };
  return {
    port,
    stop() {
      orders.close();
      for (const thread of threads) thread.terminate();
      threads.clear();
    },
  };
}

let orders: MessagePort | undefined;

/** Used in a worker: from now on its page starts its threads. */
export function borrowThreads(port: HostType<"MessagePort">): void {
  orders = port;
}

/** Whether a page starts this worker's threads. */
export const borrowsThreads = () => orders !== undefined;

/** A thread that the page runs, with the interface of a Worker. */
export class BorrowedThread extends EventTarget {
  readonly #port: MessagePort;
  readonly #control: MessagePort;

  constructor({ name: script }: WorkerScript) {
    super();
    const [talk, control] = [new MessageChannel(), new MessageChannel()];
    this.#port = talk.port1;
    this.#control = control.port1;
    this.#port.onmessage = ({ data }) => this.dispatchEvent(new MessageEvent("message", { data }));
    this.#port.onmessageerror = () => this.dispatchEvent(new Event("messageerror"));
    this.#control.onmessage = ({ data }) => this.dispatchEvent(Object.assign(new Event("error"), { message: data }));
    const order: Order = { script, port: talk.port2, control: control.port2 };
    orders!.postMessage(order, [order.port, order.control]);
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  terminate(): void {
    this.#control.postMessage("end");
    this.#port.close();
  }
}
