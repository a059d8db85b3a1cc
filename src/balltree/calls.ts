// How the threads of a shared memory are called to a job: words in that memory. A job has a door. Threads that come while it
// is open take part; the last one to leave closes it, and a thread that wakes too late finds it closed and touches nothing.
// So nobody waits for a thread that has not come.

const word = {
  /** Changes with every call; LEAVE tells all threads to end. */
  number: 0,
  job: 1,
  /** Threads that may take part, and that have come so far. */
  places: 2,
  taken: 3,
  /** 0: closed; otherwise one more than the threads inside. */
  door: 4,
} as const;

const LEAVE = -1;

/** Bytes of the words: a cache line. */
export const callBytes = 64;

/**
 * Milliseconds for which a thread looks out for the next job before it sleeps, since waking it takes about as long: calls
 * that follow each other closely find it awake.
 */
const LOOKS_OUT = 0.05;

export class Calls {
  readonly #words: Int32Array<ArrayBufferLike>;
  #seen = 0;

  constructor(memory: WebAssembly.Memory, address: number) {
    this.#words = new Int32Array(memory.buffer, address, callBytes / 4);
  }

  /** Calls threads to a job at which `inside` are already, until there are as many as `threads`. */
  begin(job: number, threads: number, inside: 0 | 1): void {
    const words = this.#words;
    words[word.job] = job;
    words[word.places] = threads;
    words[word.taken] = inside;
    Atomics.store(words, word.door, inside + 1);
    Atomics.add(words, word.number, 1);
    Atomics.notify(words, word.number, threads - inside);
  }

  /** Tells all threads to end. */
  end(): void {
    Atomics.store(this.#words, word.number, LEAVE);
    Atomics.notify(this.#words, word.number);
  }

  /** Sleeps until there is a call that this thread has not seen; false where it is to end. */
  next(): boolean {
    const words = this.#words;
    const sleepsAt = performance.now() + LOOKS_OUT;
    while (Atomics.load(words, word.number) === this.#seen && performance.now() < sleepsAt);
    Atomics.wait(words, word.number, this.#seen);
    this.#seen = Atomics.load(words, word.number);
    return this.#seen !== LEAVE;
  }

  /** Goes in, where the door is open: the job and this thread's place at it, below `places` unless all are taken. */
  enter(): { job: number; thread: number; places: number } | undefined {
    const words = this.#words;
    for (;;) {
      const door = Atomics.load(words, word.door);
      if (door === 0) return undefined;
      if (Atomics.compareExchange(words, word.door, door, door + 1) === door) break;
    }
    return { job: words[word.job], thread: Atomics.add(words, word.taken, 1), places: words[word.places] };
  }

  /** Whether one thread alone is inside. */
  get isLast(): boolean {
    return Atomics.load(this.#words, word.door) === 2;
  }

  /** Goes out; whether it was the last, and so has closed the door. */
  leave(): boolean {
    const words = this.#words;
    for (;;) {
      const door = Atomics.load(words, word.door);
      const next = door === 2 ? 0 : door - 1;
      if (Atomics.compareExchange(words, word.door, door, next) === door) return next === 0;
    }
  }
}
