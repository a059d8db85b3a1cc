// The models that a process has loaded: those used last stay on the device, so that jobs of several models do not load them again
// and again, and that a process which meets ever more of them does not run out of memory.

interface Kept<Value> {
  opening: Promise<Value>;
  /** Set once it is open. */
  value?: Value;
  /** How many calls use it or wait for it. */
  users: number;
}

export class KeptValues<Value extends Disposable> {
  /** In the order of their last use. */
  readonly #kept = new Map<string, Kept<Value>>();

  /** @param most how many are kept beyond those in use */
  constructor(readonly most: number) {}

  /** Does work with the value of a key, which is opened if it is not there. It stays at least as long as the work takes. */
  async use<Result>(key: string, open: () => Promise<Value>, work: (value: Value) => Promise<Result>): Promise<Result> {
    let kept = this.#kept.get(key);
    if (!kept) {
      // What is no longer kept makes room before the next one takes it.
      this.#keep(this.most - 1);
      kept = { opening: open(), users: 0 };
    }
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    kept.users++;
    try {
      kept.value = await kept.opening;
      return await work(kept.value);
    } finally {
      kept.users--;
      // The next call tries again what failed to open.
      if (!kept.value && this.#kept.get(key) === kept) this.#kept.delete(key);
      this.#keep(this.most);
    }
  }

  /** Disposes all; none may be in use. */
  dispose(): void {
    this.#keep(0);
  }

  #keep(most: number): void {
    for (const [key, { value, users }] of this.#kept) {
      if (this.#kept.size <= most) return;
      if (users > 0) continue;
      this.#kept.delete(key);
      value?.[Symbol.dispose]();
    }
  }
}
