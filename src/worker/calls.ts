// The calls to a worker that was started at a URL.

import { WorkerError } from "../errors.ts";
import { PendingCalls } from "../host/pending-calls.ts";
import { silenceError } from "../host/silence.ts";
import type { ModelThread } from "./start.ts";

/** Calls that fail when the worker stops or hangs; it is then ended. */
export class WorkerCalls extends PendingCalls {
  readonly #url: string;
  readonly #advice: string;
  readonly #end: () => void;

  /**
   * @param advice what to do once the worker has stopped, for messages
   * @param ask asks the worker for a sign of life, which any message is
   * @param end ends the worker
   */
  constructor(worker: ModelThread, url: string, advice: string, { ask, end }: { ask(): void; end(): void }) {
    super({ ask, onSilence: (seconds) => this.#failed(silenceError(`the worker ${url}`, seconds, { url })) });
    this.#url = url;
    this.#advice = advice;
    this.#end = end;
    worker.addEventListener("message", () => this.heard());
    worker.addEventListener("messageerror", () => this.stopped("it sent what cannot be received"));
    worker.addEventListener("error", ({ message }) => this.stopped(message || "an error in its script"));
  }

  /** Must be called when the worker is known to have stopped. */
  stopped(reason: string): void {
    const url = this.#url;
    this.#failed(new WorkerError(`the worker ${url} stopped: ${reason}. ${this.#advice}`, { url, reason }));
  }

  #failed(failure: WorkerError): void {
    if (this.failure) return;
    this.fail(failure);
    this.#end();
  }
}
