// Values that are read again and again, such as the samples of a data set: kept in memory as long as there is room.

/** Bytes that stay in memory, all values together: as many as most machines hold. */
const KEPT_BYTES = 4 * 2 ** 30;

/** Values by number, made when they are first asked for; the least recently used are forgotten when they take too much. */
export class RecentValues<Value> {
  readonly #make: (index: number) => Promise<Value>;
  readonly #bytesOf: (value: Value) => number;
  readonly #most: number;
  readonly #held = new Map<number, Promise<Value>>();
  readonly #sizes = new Map<number, number>();

  constructor(make: (index: number) => Promise<Value>, bytesOf: (value: Value) => number, most = KEPT_BYTES) {
    this.#make = make;
    this.#bytesOf = bytesOf;
    this.#most = most;
  }

  async get(index: number): Promise<Value> {
    const held = this.#held.get(index) ?? this.#make(index);
    // Put at the end: the first is the least recently used.
    this.#held.delete(index);
    this.#held.set(index, held);
    try {
      const value = await held;
      this.#sizes.set(index, this.#bytesOf(value));
      this.#trim();
      return value;
    } catch (error) {
      // What could not be made may be there the next time.
      this.#held.delete(index);
      throw error;
    }
  }

  #trim(): void {
    let bytes = [...this.#held.keys()].reduce((sum, index) => sum + (this.#sizes.get(index) ?? 0), 0);
    for (const index of this.#held.keys()) {
      if (bytes <= this.#most || this.#held.size === 1) return;
      bytes -= this.#sizes.get(index) ?? 0;
      this.#held.delete(index);
    }
  }
}
