// One run, as seen by the page: its worker, which stays while the run is paused.

import { type EngineWorker, startEngineWorker } from "../shared/engine-worker.ts";
import type { FromWorker, ToWorker, TrainOrder } from "./protocol.ts";
import workerUrl from "./worker.ts?worker&url";

export class Job {
  readonly #engine: Promise<EngineWorker>;

  /** @param listener receives the worker's messages, and its failure */
  constructor(listener: (message: FromWorker) => void) {
    this.#engine = startEngineWorker(workerUrl);
    const failed = (message: string) => listener({ type: "failed", name: "Error", message });
    this.#engine.then(
      ({ worker }) => {
        worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => listener(data));
        worker.addEventListener("error", ({ message }) => failed(message || "the worker could not be started"));
      },
      (error: Error) => failed(error.message),
    );
  }

  train(order: TrainOrder): void {
    this.#send(order);
  }

  pause(): void {
    this.#send({ type: "pause" });
  }

  /** Ends the worker at once; checkpoints that were saved stay. */
  end(): void {
    this.#engine.then(
      ({ stop }) => stop(),
      () => {},
    );
  }

  #send(message: ToWorker): void {
    this.#engine.then(
      ({ worker }) => worker.postMessage(message),
      () => {},
    );
  }
}
