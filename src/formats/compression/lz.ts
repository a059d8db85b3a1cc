// What LZ4 and LZF, two formats of the family of Lempel and Ziv, decompress into: plain bytes, and repetitions of bytes before them.

export class LzOutput {
  readonly #bytes: Uint8Array;
  #filled = 0;

  /** @param size the number of bytes that there should be in the end */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** Appends `length` bytes from `at` on. @throws Error if there are fewer, or they are too many */
  append(packed: Uint8Array, at: number, length: number): void {
    if (at + length > packed.length || this.#filled + length > this.#bytes.length)
      throw new Error("it is cut off, or too long");
    this.#bytes.set(packed.subarray(at, at + length), this.#filled);
    this.#filled += length;
  }

  /** Appends `length` bytes that begin `distance` before the end. @throws Error if that is before the beginning, or they are too many */
  repeat(distance: number, length: number): void {
    const start = this.#filled - distance;
    // Written so that what was read beyond the end of the data, NaN, is refused, too.
    if (!(distance > 0 && start >= 0 && this.#filled + length <= this.#bytes.length))
      throw new Error("it repeats what is not there, or too much");
    // What is repeated may begin with what is being written.
    for (let i = 0; i < length; i++) this.#bytes[this.#filled + i] = this.#bytes[start + i];
    this.#filled += length;
  }

  /** Returns all bytes. @throws Error if there are too few */
  whole(): Uint8Array {
    if (this.#filled !== this.#bytes.length) throw new Error(`it unpacks to only ${this.#filled} bytes`);
    return this.#bytes;
  }
}
