// A cache of values that are read again and again, such as the samples of a data set.

/** The largest number of bytes in the cache, which most machines can hold. */
const KEPT_BYTES = 4 * 2 ** 30;

/** A cache of values by number. A value is made at its first use; the least recently used ones are dropped if there are too many. */
export class RecentValues<Value> {
  readonly #make: (index: number) => Promise<Value>;
  readonly #bytesOf: (value: Value) => number;
  readonly #held = new Map<number, Promise<Value>>();
  /** The bytes of those that are made, and their sum: to add them up at each use took minutes for a hundred thousand samples. */
  readonly #sizes = new Map<number, number>();
  #bytes = 0;
  readonly #keptBytes: number;

  /** @param keptBytes the largest number of bytes in the cache */
  constructor(make: (index: number) => Promise<Value>, bytesOf: (value: Value) => number, keptBytes = KEPT_BYTES) {
    this.#make = make;
    this.#bytesOf = bytesOf;
    this.#keptBytes = keptBytes;
  }

  async get(index: number): Promise<Value> {
    const held = this.#held.get(index) ?? this.#make(index);
    // The entry moves to the end, so that the first one is the least recently used.
    this.#held.delete(index);
    this.#held.set(index, held);
    try {
      const value = await held;
      if (this.#held.get(index) === held) this.#count(index, this.#bytesOf(value));
      this.#trim();
      return value;
    } catch (error) {
      // A value that could not be made is tried again the next time.
      this.#drop(index);
      throw error;
    }
  }

  #count(index: number, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(index) ?? 0);
    this.#sizes.set(index, bytes);
  }

  #drop(index: number): void {
    this.#bytes -= this.#sizes.get(index) ?? 0;
    this.#sizes.delete(index);
    this.#held.delete(index);
  }

  #trim(): void {
    for (const index of this.#held.keys()) {
      if (this.#bytes <= this.#keptBytes || this.#held.size === 1) return;
      this.#drop(index);
    }
  }
}
