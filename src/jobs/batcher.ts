// Predicts inputs that arrive at any time. Those that wait while the device is busy share the next pass, and so do those whose trees
// and graphs are still being built: a pass takes nearly the same time for one small input as for ten.

import type { ErwinTransformer, PreparedInput } from "../index.ts";
import { applyModel, type OutputRows } from "./rows.ts";

/** An input whose tree and graph are being built. */
interface Preparation {
  points: number;
  /** Resolves when the input waits for a pass, or has failed. */
  ended: Promise<void>;
}

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
  readonly #preparing = new Set<Preparation>();
  #queue: Waiting[] = [];
  #isRunning = false;

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
   * Prepares and predicts an input. If the signal is aborted before the input's pass begins, the input takes no part in that pass.
   * @param points the number of its points
   * @param prepare builds its tree and graph
   * @throws the signal's reason; the error of the preparation or of the pass
   */
  predict(points: number, prepare: () => Promise<PreparedInput>, signal?: AbortSignal): Promise<OutputRows> {
    return new Promise((resolve, reject) => {
      const ended = prepare()
        .then((input) => this.#add({ input, signal, resolve, reject }))
        .catch(reject)
        .finally(() => this.#preparing.delete(preparation));
      const preparation = { points, ended };
      this.#preparing.add(preparation);
    });
  }

  #add(input: Waiting): void {
    this.#queue.push(input);
    if (!this.#isRunning) void this.#run();
  }

  /** Predicts until no input waits. When the device is lost, all waiting inputs fail. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queue.length > 0) {
      await this.#waitForOthers();
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
    this.#isRunning = false;
  }

  /** Waits for the inputs that are being prepared and fit into the next pass; not for those that arrive meanwhile. */
  async #waitForOthers(): Promise<void> {
    let points = this.#queue.reduce((sum, { input }) => sum + input.points, 0);
    const others: Promise<void>[] = [];
    for (const preparation of this.#preparing) {
      if (points + preparation.points > this.#batchPoints) continue;
      points += preparation.points;
      others.push(preparation.ended);
    }
    await Promise.all(others);
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
