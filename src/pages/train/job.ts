// One run, as seen by the page: its worker, which stays while the run is paused.

import { startEngineWorker } from "../shared/engine-worker.ts";
import type { StartedWorker } from "../shared/site-worker.ts";
import type { FromWorker, ToWorker, TrainOrder } from "./protocol.ts";
import workerUrl from "./worker.ts?worker&url";

export class Job {
  readonly #engine: Promise<StartedWorker>;
  readonly #listener: (message: FromWorker) => void;
  /** Called when the steps end: the run is done, paused or has failed. */
  #settle = () => {};
  #ended = false;

  /** @param listener receives the worker's messages, and its failure */
  constructor(listener: (message: FromWorker) => void) {
    this.#listener = listener;
    this.#engine = startEngineWorker(workerUrl, "training");
    this.#engine.then(
      ({ site }) =>
        site.onMessage((message: FromWorker) => {
          if (this.#ended) return;
          if (["done", "paused", "failed"].includes(message.type)) this.#settle();
          listener(message);
        }),
      // Told when the training is begun.
      () => {},
    );
  }

  train(order: TrainOrder): void {
    const settled = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    this.#send(order);
    this.#engine
      .then(({ site }) => site.until(settled))
      .catch(({ name, message }: Error) => {
        if (!this.#ended) this.#listener({ type: "failed", name, message });
      });
  }

  pause(): void {
    this.#send({ type: "pause" });
  }

  /** Ends the worker, which saves no more; checkpoints that were saved stay. */
  end(): void {
    this.#ended = true;
    this.#engine.then(
      ({ stop }) => stop(),
      () => {},
    );
  }

  #send(message: ToWorker): void {
    this.#engine.then(
      ({ site }) => site.worker.postMessage(message),
      () => {},
    );
  }
}
