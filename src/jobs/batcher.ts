// Predicts inputs that arrive at any time: those that wait while the device is busy share the next pass.

import type { ErwinTransformer, PreparedInput } from "../index.ts";
import { applyModel, type OutputRows } from "./rows.ts";

interface Waiting {
  input: PreparedInput;
  signal?: AbortSignal;
  resolve(rows: OutputRows): void;
  reject(error: unknown): void;
}

export class Batcher {
  /** The number of passes so far. */
  batches = 0;
  /** The number of points predicted so far. */
  points = 0;
  readonly #model: ErwinTransformer;
  readonly #batchPoints: number;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** @param batchPoints the max points of a pass; an input with more has a pass of its own */
  constructor(model: ErwinTransformer, batchPoints: number) {
    this.#model = model;
    this.#batchPoints = batchPoints;
  }

  /** The number of inputs that wait for a pass. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Predicts an input. If the signal is aborted before the input's pass begins, the input takes no part in that pass.
   * @throws the signal's reason; the error of the pass
   */
  predict(input: PreparedInput, signal?: AbortSignal): Promise<OutputRows> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ input, signal, resolve, reject });
      this.#running ??= this.#run().finally(() => {
        this.#running = undefined;
      });
    });
  }

  /** Predicts until no input waits. When the device is lost, all waiting inputs fail. */
  async #run(): Promise<void> {
    // Inputs that arrive in the same turn take part in the first pass.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch();
      if (batch.length === 0) continue;
      try {
        const outputs = await applyModel(
          this.#model,
          batch.map(({ input }) => input),
        );
        this.batches++;
        for (const [i, rows] of outputs.entries()) {
          if ("error" in rows) batch[i].reject(rows.error);
          else {
            this.points += batch[i].input.points;
            batch[i].resolve(rows);
          }
        }
      } catch (error) {
        for (const { reject } of [...batch, ...this.#queue.splice(0)]) reject(error);
      }
    }
  }

  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let points = 0;
    while (this.#queue.length > 0) {
      const { input, signal, reject } = this.#queue[0];
      if (signal?.aborted) reject(signal.reason);
      else if (batch.length > 0 && points + input.points > this.#batchPoints) break;
      else {
        batch.push(this.#queue[0]);
        points += input.points;
      }
      this.#queue.shift();
    }
    return batch;
  }
}
