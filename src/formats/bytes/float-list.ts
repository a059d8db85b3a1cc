// A growing list of numbers, for readers that do not know in advance how many will come.

/** The numbers that each further chunk holds. */
const CHUNK = 65_536;
/** The numbers that the first chunk holds. */
const FIRST = 256;

/** A growing list of numbers. It takes eight bytes per element, and may be longer than a plain array. */
export class FloatList {
  readonly #full: Float64Array[] = [];
  // A table may have thousands of columns of a few rows each.
  #chunk = new Float64Array(FIRST);
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
      this.#chunk = new Float64Array(CHUNK);
      this.#filled = 0;
    }
    this.#chunk[this.#filled++] = value;
  }

  /** Returns the numbers, rounded to float32. */
  toArray(): Float32Array {
    return this.#into(new Float32Array(this.length));
  }

  toDoubles(): Float64Array {
    return this.#into(new Float64Array(this.length));
  }

  #into<Numbers extends Float32Array | Float64Array>(result: Numbers): Numbers {
    let start = 0;
    for (const chunk of this.#full) {
      result.set(chunk, start);
      start += chunk.length;
    }
    result.set(this.#chunk.subarray(0, this.#filled), start);
    return result;
  }
}
