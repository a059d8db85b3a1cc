// Threads of one script that work together. When one of them fails, does not start, ends or hangs, all are ended and the owner is
// told.

import { deserializeError, type SerializedError, WorkerError } from "../errors.ts";
import { SilenceWatch, silenceError } from "./silence.ts";
import { type HostWorker, startWorker } from "./worker.ts";
import type { WorkerScript } from "./worker-script.ts";

/** The messages of every thread, in addition to those of its work. */
export type ThreadMessage =
  /** The reply to its first message. */
  | { type: "ready" }
  /** A sign of life in the midst of long work. */
  | { type: "alive" }
  /** The thread cannot continue. */
  | { type: "failed"; error: SerializedError };

/** What a group reports to its owner. */
export interface ThreadGroupListener<FromThread> {
  onMessage(message: FromThread): void;
  /** Returns what changes while the threads work, if there is such a thing: words of shared memory. */
  progress?(): string;
  /** Called once when the threads have ended, unless the owner stopped them before. */
  onFailure(error: WorkerError): void;
}

export class ThreadGroup<ToThread, FromThread extends { type: string }> {
  readonly #script: WorkerScript;
  readonly #name: string;
  readonly #listener: ThreadGroupListener<FromThread>;
  readonly #threads: HostWorker[] = [];
  readonly #starting = new Set<(error: WorkerError) => void>();
  readonly #silence: SilenceWatch;
  #progress: string | undefined;
  #waits = 0;
  #failure: WorkerError | undefined;

  /** @param name the group's name in messages, such as "the CPU backend" */
  constructor(script: WorkerScript, name: string, listener: ThreadGroupListener<FromThread>) {
    this.#script = script;
    this.#name = name;
    this.#listener = listener;
    this.#silence = new SilenceWatch({
      ask: () => {
        const progress = listener.progress?.();
        if (progress !== this.#progress) this.#silence.heard();
        this.#progress = progress;
      },
      onSilence: (seconds) => this.#fail(silenceError(`the threads of ${name}`, seconds, { url: script.url.href })),
    });
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Why the threads have ended. */
  get failure(): WorkerError | undefined {
    return this.#failure;
  }

  /**
   * Starts a thread and resolves when it is ready. A message that cannot be posted throws a DataCloneError
   * synchronously.
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
    // The caller may have given up already.
    ready.catch(() => {});
    const thread = startWorker(this.#script, {
      onMessage: (data) => {
        this.#silence.heard();
        const message = data as ThreadMessage | FromThread;
        if (isFailed(message)) fail(deserializeError(message.error));
        else if (isReady(message)) {
          this.#starting.delete(reject);
          resolve();
        } else if (message.type !== "alive") this.#listener.onMessage(message as FromThread);
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

  /** Posts a message to the first thread, for groups of one. */
  post(message: ToThread, transfer: Transferable[] = []): void {
    this.#threads[0]?.post(message, transfer);
  }

  /** Waits for work of the threads. Until then they keep a process alive, and have to give signs of life. */
  async wait<Result>(work: Promise<Result>): Promise<Result> {
    if (this.#waits++ === 0) this.setRef(true);
    this.#silence.begin();
    try {
      return await work;
    } finally {
      this.#silence.end();
      if (--this.#waits === 0) this.setRef(false);
    }
  }

  /** Sets whether the threads keep a process alive. */
  setRef(alive: boolean): void {
    for (const thread of this.#threads) thread.setRef(alive);
  }

  stop(): void {
    this.#end(new WorkerError(`the threads of ${this.#name} were stopped`, { url: this.#script.url.href }));
  }

  #fail(error: WorkerError): void {
    if (this.#end(error)) this.#listener.onFailure(error);
  }

  /** Ends the threads. Returns false if they had ended before. */
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
