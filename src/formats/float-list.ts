// A growing list of float32 numbers, for readers that do not know in advance how many will come.

const CHUNK = 65_536;

/** A growing list of float32 numbers. It takes four bytes per element, and may be longer than a plain array. */
export class FloatList {
  readonly #full: Float32Array[] = [];
  #chunk = new Float32Array(CHUNK);
  #filled = 0;

  get length(): number {
    return this.#full.length * CHUNK + this.#filled;
  }

  push(value: number): void {
    if (this.#filled === CHUNK) {
      this.#full.push(this.#chunk);
      this.#chunk = new Float32Array(CHUNK);
      this.#filled = 0;
    }
    this.#chunk[this.#filled++] = value;
  }

  toArray(): Float32Array {
    const result = new Float32Array(this.length);
    this.#full.forEach((chunk, i) => {
      result.set(chunk, i * CHUNK);
    });
    result.set(this.#chunk.subarray(0, this.#filled), this.#full.length * CHUNK);
    return result;
  }
}
