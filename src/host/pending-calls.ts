// Calls to a worker, which also settle when it fails: it stops, or gives no sign of life while it is waited for.

import type { ErwinError } from "../errors.ts";
import { type SilenceListener, SilenceWatch } from "./silence.ts";

export class PendingCalls {
  readonly #silence: SilenceWatch;
  /** The calls, and how each is made to fail. A race with one promise for all would keep memory of each call that is over. */
  readonly #calls = new Map<Promise<unknown>, (failure: ErwinError) => void>();
  #failure: ErwinError | undefined;

  /** @param listener is asked to look for signs of life during calls; at silence, it has to call `fail` */
  constructor(listener: SilenceListener) {
    this.#silence = new SilenceWatch(listener);
  }

  /** Why the worker answers no more. */
  get failure(): ErwinError | undefined {
    return this.#failure;
  }

  /** Settles as the answer does, or rejects with the failure of the worker if that comes first. */
  wait<Result>(answer: Promise<Result>): Promise<Result> {
    if (this.#failure) {
      // Nobody handles the answer any more.
      answer.catch(() => {});
      return Promise.reject(this.#failure);
    }
    this.#silence.begin();
    let reject: (failure: unknown) => void = () => {};
    const call = new Promise<Result>((resolve, refuse) => {
      reject = refuse;
      answer.then(resolve, refuse).finally(() => this.#end(call));
    });
    this.#calls.set(call, reject);
    return call;
  }

  /** A sign of life. */
  heard(): void {
    this.#silence.heard();
  }

  /**
   * Rejects all calls, from now on too; the first failure counts.
   * @param expected whether the callers caused it, who then need not handle the rejections of calls in progress
   */
  fail(failure: ErwinError, expected = false): void {
    if (this.#failure) return;
    this.#failure = failure;
    for (const [call, reject] of this.#calls) {
      if (expected) call.catch(() => {});
      reject(failure);
      this.#end(call);
    }
  }

  #end(call: Promise<unknown>): void {
    if (this.#calls.delete(call)) this.#silence.end();
  }
}
