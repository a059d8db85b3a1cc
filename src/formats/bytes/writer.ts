// Collects the bytes of a file that is written in many small parts.

/** Bytes to which others are appended: millions of small parts take little more memory than their bytes. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param expected the number of bytes that are likely to be written */
  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected);
  }

  push(part: Uint8Array): void {
    const end = this.#length + part.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.ceil(1.5 * end));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#length);
    this.#length = end;
  }

  /** What was written: all of its buffer if that was expected. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }
}
