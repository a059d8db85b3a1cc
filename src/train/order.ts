// The order of the samples in training: shuffled in each epoch, or fixed. It is a pure function of the seed and the index of the
// batch. So the random state of a run consists of two numbers, and preparing batches ahead does not change it.

import { expectWhole } from "../arguments.ts";
import { ConfigError } from "../errors.ts";
import { Random, shuffled } from "../random.ts";

/** The samples of a batch. */
export interface BatchSamples {
  epoch: number;
  samples: number[];
}

export class BatchOrder {
  /** The number of full batches in an epoch; samples that do not fill one are left out of the epoch. */
  readonly batchesPerEpoch: number;
  readonly #batchSize: number;
  #epoch = -1;
  #permutation: number[] = [];

  /** @throws ConfigError if there are no samples, or the batch size is not a whole number of at least 1 */
  constructor(
    readonly size: number,
    batchSize: number,
    readonly seed: number,
    readonly shuffle = true,
  ) {
    if (!(size >= 1)) throw new ConfigError("there are no samples to train on", { field: "trainData" });
    expectWhole("batchSize", batchSize, 1);
    this.#batchSize = Math.min(batchSize, size);
    this.batchesPerEpoch = Math.floor(size / this.#batchSize);
  }

  /** Returns a batch by its index, counted from 0 over all epochs. */
  batch(index: number): BatchSamples {
    const epoch = Math.floor(index / this.batchesPerEpoch);
    if (epoch !== this.#epoch) {
      const order = Array.from({ length: this.size }, (_, i) => i);
      this.#permutation = this.shuffle ? shuffled(order, new Random(this.seed, `epoch ${epoch}`)) : order;
      this.#epoch = epoch;
    }
    const first = (index % this.batchesPerEpoch) * this.#batchSize;
    return { epoch, samples: this.#permutation.slice(first, first + this.#batchSize) };
  }
}
