// A growing list of float32 numbers, for readers that do not know in advance how many will come.

/** The numbers that each further chunk holds. */
const CHUNK = 65_536;
/** The numbers that the first chunk holds. */
const FIRST = 256;

/** A growing list of float32 numbers. It takes four bytes per element, and may be longer than a plain array. */
export class FloatList {
  readonly #full: Float32Array[] = [];
  // A table may have thousands of columns of a few rows each.
  #chunk = new Float32Array(FIRST);
  #filled = 0;
  /** The numbers of all full chunks. */
  #before = 0;

  get length(): number {
    return this.#before + this.#filled;
  }

  push(value: number): void {
    if (this.#filled === this.#chunk.length) {
      this.#full.push(this.#chunk);
      this.#before += this.#filled;
      this.#chunk = new Float32Array(CHUNK);
      this.#filled = 0;
    }
    this.#chunk[this.#filled++] = value;
  }

  toArray(): Float32Array {
    const result = new Float32Array(this.length);
    let start = 0;
    for (const chunk of this.#full) {
      result.set(chunk, start);
      start += chunk.length;
    }
    result.set(this.#chunk.subarray(0, this.#filled), start);
    return result;
  }
}
