// The order of the samples in training: shuffled in each epoch, or by their index, round and round. It is a pure function of the seed
// and the index of the batch. So the random state of a run consists of two numbers, and preparing batches ahead does not change it.

import { expectWhole } from "../../arguments/options.ts";
import { ConfigError } from "../../errors.ts";
import { Random, shuffled } from "../../random.ts";

/** The samples of a batch. */
export interface BatchSamples {
  epoch: number;
  samples: number[];
}

export class BatchOrder {
  /**
   * The number of batches in an epoch. All have the same size; samples that do not fill one are left out of the epoch: others in each
   * epoch if they are shuffled; otherwise the next epoch begins with them.
   */
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
    const first = (this.shuffle ? index % this.batchesPerEpoch : index) * this.#batchSize;
    const places = Array.from({ length: this.#batchSize }, (_, i) => (first + i) % this.size);
    return { epoch, samples: this.shuffle ? places.map((place) => this.#permutationOf(epoch)[place]) : places };
  }

  #permutationOf(epoch: number): readonly number[] {
    if (epoch !== this.#epoch) {
      this.#permutation = shuffled([...Array(this.size).keys()], new Random(this.seed, `epoch ${epoch}`));
      this.#epoch = epoch;
    }
    return this.#permutation;
  }
}
