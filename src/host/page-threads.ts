// Threads that a page runs for a worker of its own: the worker orders one, the page starts it and gives the worker's port to
// it, over which the two then talk as a worker and its owner do. The thread is the page's, which ends it on demand or when it
// ends them all.
import type { WorkerScript } from "../assets.ts";
import { createWorker } from "./origin.ts";

/** One thread, as a worker orders it. */
interface Order {
  script: WorkerScript["name"];
  /** The thread's end of what the worker and it say to each other. */
  port: MessagePort;
  /** The page says here why the thread failed, the worker that the thread is to end. */
  control: MessagePort;
}

/** What a page keeps of the threads it runs for a worker. */
export interface LentThreads {
  /** For the worker, which gives it to `borrowThreads`. */
  readonly port: MessagePort;
  /** Ends all threads; none is started any more. */
  stop(): void;
}

/** On a page: starts threads of these scripts when a worker orders them. */
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
      // A security policy.
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

/** In a worker: its page starts its threads from now on. */
export function borrowThreads(port: MessagePort): void {
  orders = port;
}

/** Whether a page starts this worker's threads. */
export const borrowsThreads = () => orders !== undefined;

/** A thread that the page runs, used like a Worker. */
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
