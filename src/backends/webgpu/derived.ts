// Arrays that kernels compute from weights alone. They are kept from pass to pass, and computed again only after something has
// written to the weights.

import type { Storage } from "../storage.ts";
import type { BufferPool, BufferStorage } from "./memory.ts";

interface Derived {
  storage: BufferStorage;
  /** Of each source its whole, the byte in it at which it begins, and the version of its content; none before it is computed. */
  sources: number[];
}

export class DerivedArrays {
  /** By the whole of the first source, and the byte in it at which that begins. */
  readonly #arrays = new Map<BufferStorage, Map<number, Derived>>();

  /** @param pool has memory for derived arrays only: they are no part of what a pass needs */
  constructor(readonly pool: BufferPool) {}

  /**
   * Returns an array of `bytes` bytes that `compute` fills from the content of the sources: the array of the last call, if nothing
   * has written to them since. It belongs to the first source: it is released with it, and there is one for each.
   */
  of(sources: readonly Storage[], bytes: number, compute: (into: BufferStorage) => void): BufferStorage {
    const given = sources as readonly BufferStorage[];
    const [{ whole, offset }] = given;
    const ofWhole = this.#arrays.get(whole) ?? new Map<number, Derived>();
    this.#arrays.set(whole, ofWhole);
    let derived = ofWhole.get(offset);
    if (derived?.storage.bytes !== bytes) {
      if (derived) {
        // Its memory may serve the new array. It is forgotten before that is allocated, since allocating can fail.
        ofWhole.delete(offset);
        this.pool.release(derived.storage);
      }
      derived = { storage: this.pool.allocate(bytes), sources: [] };
      ofWhole.set(offset, derived);
    }
    const now = given.flatMap(({ whole, offset }) => [whole.id, offset, whole.version]);
    if (now.some((number, i) => number !== derived.sources[i])) {
      compute(derived.storage);
      derived.sources = now;
    }
    return derived.storage;
  }

  /** Must be called when a storage is released. */
  release(whole: BufferStorage): void {
    for (const { storage } of this.#arrays.get(whole)?.values() ?? []) this.pool.release(storage);
    this.#arrays.delete(whole);
  }

  /** Frees all arrays: they are computed again when they are needed. */
  trim(): void {
    for (const whole of this.#arrays.keys()) this.release(whole);
    this.pool.trim();
  }
}
