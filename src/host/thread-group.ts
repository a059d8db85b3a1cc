// Threads of one script that work together. When one of them fails, does not begin or ends, all are ended and the owner is told.
import type { WorkerScript } from "../assets.ts";
import { deserializeError, type SerializedError, WorkerError } from "../errors.ts";
import { type HostWorker, startWorker } from "./worker.ts";

/** What every thread says beside its work's own messages. */
export type ThreadMessage =
  /** The answer to its first message. */
  | { type: "ready" }
  /** The thread cannot go on. */
  | { type: "failed"; error: SerializedError };

/** What a group tells its owner. */
export interface ThreadGroupListener<FromThread> {
  onMessage(message: FromThread): void;
  /** Called once, unless the owner has stopped the threads before. All have been ended. */
  onFailure(error: WorkerError): void;
}

export class ThreadGroup<ToThread, FromThread extends { type: string }> {
  readonly #script: WorkerScript;
  readonly #name: string;
  readonly #listener: ThreadGroupListener<FromThread>;
  readonly #threads: HostWorker[] = [];
  readonly #starting = new Set<(error: WorkerError) => void>();
  #failure: WorkerError | undefined;

  /** @param name of the group, for messages: "the CPU backend" */
  constructor(script: WorkerScript, name: string, listener: ThreadGroupListener<FromThread>) {
    this.#script = script;
    this.#name = name;
    this.#listener = listener;
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Why the threads are no more. */
  get failure(): WorkerError | undefined {
    return this.#failure;
  }

  /**
   * Starts a thread and resolves when it is ready. What cannot be posted to it is thrown at once, as a DataCloneError.
   * @throws WorkerError naming script and thread
   */
  start(message: ToThread): Promise<void> {
    if (this.#failure) throw this.#failure;
    const number = this.#threads.length;
    const fail = (cause: Error) => {
      const details = { url: this.#script.url.href, thread: number };
      this.#fail(new WorkerError(`thread ${number} of ${this.#name} failed: ${cause.message}`, details, { cause }));
    };
    let [resolve, reject]: [() => void, (error: WorkerError) => void] = [() => {}, () => {}];
    const ready = new Promise<void>((whenReady, whenFailed) => {
      [resolve, reject] = [whenReady, whenFailed];
    });
    // Who started it may have given up already.
    ready.catch(() => {});
    const thread = startWorker(this.#script, {
      onMessage: (data) => {
        const message = data as ThreadMessage | FromThread;
        if (isFailed(message)) fail(deserializeError(message.error));
        else if (!isReady(message)) this.#listener.onMessage(message);
        else {
          this.#starting.delete(reject);
          resolve();
        }
      },
      onError: fail,
    });
    try {
      thread.post(message);
    } catch (error) {
      thread.stop();
      throw error;
    }
    this.#threads.push(thread);
    this.#starting.add(reject);
    return ready;
  }

  /** To the first thread, where it is the only one. */
  post(message: ToThread, transfer: Transferable[] = []): void {
    this.#threads[0]?.post(message, transfer);
  }

  /** Whether the threads keep a process alive. */
  setRef(alive: boolean): void {
    for (const thread of this.#threads) thread.setRef(alive);
  }

  stop(): void {
    this.#end(new WorkerError(`the threads of ${this.#name} were stopped`, { url: this.#script.url.href }));
  }

  #fail(error: WorkerError): void {
    if (this.#end(error)) this.#listener.onFailure(error);
  }

  /** Whether they had not ended before. */
  #end(reason: WorkerError): boolean {
    if (this.#failure) return false;
    this.#failure = reason;
    for (const reject of this.#starting) reject(reason);
    for (const thread of this.#threads) thread.stop();
    return true;
  }
}

const isReady = (message: { type: string }): message is { type: "ready" } => message.type === "ready";
const isFailed = (message: { type: string }): message is Extract<ThreadMessage, { type: "failed" }> =>
  message.type === "failed";
