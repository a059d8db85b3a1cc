// Device memory as operators are handed it.

/** A piece of device memory. What is behind it is the backend's own business. */
export interface Storage {
  readonly bytes: number;
  /**
   * A part of it, from a byte that is a multiple of 256 where operators are to work on it (else of 4). The whole is released,
   * never the part. Operators cannot read one part and write another of the same whole.
   */
  slice(offset: number, bytes: number): Storage;
}

/** Who gives and takes device memory. */
export interface Memory {
  /** @throws OutOfMemoryError when the device cannot hold so many bytes. */
  allocate(bytes: number): Storage;
  /** Gives memory back for reuse. Work already recorded may still read it. */
  release(storage: Storage): void;
}
