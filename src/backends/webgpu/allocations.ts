// Creates what takes memory of a GPU: buffers and sets of timestamps. Each is made under an error scope, whose result arrives later;
// nothing waits for it before results are read. So is all work on a device on which others work too.

import { OutOfMemoryError } from "../../errors.ts";

export class Allocations {
  /** The error of the first allocation that the GPU reported as failed; the device's `trim` sets it to undefined. */
  failure: OutOfMemoryError | undefined;
  readonly #checks = new Set<Promise<void>>();

  /**
   * @param reserved the bytes that the device holds, for messages
   * @param onError is told of errors of `work`; undefined for a device on which nobody else works: all that it reports is of this work
   */
  constructor(
    readonly gpu: GPUDevice,
    readonly reserved = () => 0,
    readonly onError?: (error: GPUError) => void,
  ) {}

  /**
   * @param what what it is for, in messages: "a tensor [8192,64]"
   * @param bytes the bytes that were asked for, in messages
   * @param onFailure called if there was no memory: the buffer is not valid
   */
  buffer(descriptor: GPUBufferDescriptor, what: string, bytes = descriptor.size, onFailure = () => {}): GPUBuffer {
    return this.#ofMemory(() => this.gpu.createBuffer(descriptor), what, bytes, onFailure);
  }

  /** @param count the number of timestamps */
  timestamps(count: number): GPUQuerySet {
    return this.#ofMemory(() => this.gpu.createQuerySet({ type: "timestamp", count }), "timestamps", 8 * count);
  }

  /** Gives the GPU work, whose errors can be told from those of others who work on the same device. */
  work<Made>(give: () => Made): Made {
    const { onError } = this;
    if (!onError) return give();
    return this.#scoped("validation", () => this.#scoped("out-of-memory", give, onError), onError);
  }

  /** Resolves when every allocation so far is known to have succeeded; throws the error of the first that failed. */
  async verified(): Promise<void> {
    await Promise.all(this.#checks);
    if (this.failure) throw this.failure;
  }

  /** Notes an allocation that failed. @param bytes undefined if nobody knows how many were asked for */
  fail(what: string, bytes?: number): void {
    const reserved = this.reserved();
    const of = bytes === undefined ? "" : ` of ${bytes} bytes`;
    this.failure ??= new OutOfMemoryError(
      `the device has no memory for ${what}${of} (${reserved} bytes are in use or kept for reuse): dispose tensors and call device.trim() to continue, with fewer points in a batch`,
      { what, reserved, ...(bytes !== undefined && { bytes }) },
    );
  }

  #ofMemory<Made>(make: () => Made, what: string, bytes: number, onFailure = () => {}): Made {
    return this.#scoped("out-of-memory", make, () => {
      onFailure();
      this.fail(what, bytes);
    });
  }

  #scoped<Made>(filter: GPUErrorFilter, make: () => Made, onError: (error: GPUError) => void): Made {
    this.gpu.pushErrorScope(filter);
    try {
      return make();
    } finally {
      const check = this.gpu.popErrorScope().then((error) => {
        this.#checks.delete(check);
        if (error) onError(error);
      });
      this.#checks.add(check);
      // Whoever reads results hears of it.
      check.catch(() => {});
    }
  }
}
