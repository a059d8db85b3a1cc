// How threads on a shared memory are called to a job, through words in that memory. Each job has a door. Threads that
// arrive while it is open take part; the last one to leave closes it, and a thread that wakes up too late finds it
// closed and touches nothing. So nobody waits for a thread that has not arrived.

const word = {
  /** Incremented by every call; LEAVE tells all threads to end. */
  number: 0,
  job: 1,
  /** The number of threads that may take part, and of those that have arrived so far. */
  places: 2,
  taken: 3,
  /** 0 when closed, otherwise the number of threads inside plus one. */
  door: 4,
} as const;

const LEAVE = -1;

/** The size of the words in bytes: one cache line. */
export const callBytes = 64;

/**
 * Milliseconds for which a thread polls for the next job before it sleeps. Calls in close succession find it awake: what the
 * caller does between them, copies of points and results, takes up to 0.15 ms for 65,536 points. Waking a thread costs the
 * caller alone 0.05 ms.
 */
const POLLING_MS = 0.25;

export class Calls {
  readonly #words: Int32Array<ArrayBufferLike>;
  #seen = 0;

  constructor(memory: WebAssembly.Memory, address: number) {
    this.#words = new Int32Array(memory.buffer, address, callBytes / 4);
  }

  /** Calls threads to a job, at which `inside` are already, until there are `threads` of them. */
  begin(job: number, threads: number, inside: 0 | 1): void {
    const words = this.#words;
    words[word.job] = job;
    words[word.places] = threads;
    words[word.taken] = inside;
    Atomics.store(words, word.door, inside + 1);
    Atomics.add(words, word.number, 1);
    Atomics.notify(words, word.number, threads - inside);
  }

  /** The words, in a form that changes with them. */
  get state(): string {
    return this.#words.join();
  }

  /** Tells all threads to end. */
  end(): void {
    Atomics.store(this.#words, word.number, LEAVE);
    Atomics.notify(this.#words, word.number);
  }

  /** Sleeps until there is a call that this thread has not seen. Returns false if the thread is to end. */
  next(): boolean {
    const words = this.#words;
    const pollingEnd = performance.now() + POLLING_MS;
    while (Atomics.load(words, word.number) === this.#seen && performance.now() < pollingEnd);
    Atomics.wait(words, word.number, this.#seen);
    this.#seen = Atomics.load(words, word.number);
    return this.#seen !== LEAVE;
  }

  /**
   * Enters if the door is open. Returns the job and this thread's place at it, which is below `places` unless all are
   * taken.
   */
  enter(): { job: number; thread: number; places: number } | undefined {
    const words = this.#words;
    for (;;) {
      const door = Atomics.load(words, word.door);
      if (door === 0) return undefined;
      if (Atomics.compareExchange(words, word.door, door, door + 1) === door) break;
    }
    return { job: words[word.job], thread: Atomics.add(words, word.taken, 1), places: words[word.places] };
  }

  /** Whether only one thread is inside. */
  get isLast(): boolean {
    return Atomics.load(this.#words, word.door) === 2;
  }

  /** Leaves. Returns whether it was the last thread, which closes the door. */
  leave(): boolean {
    const words = this.#words;
    for (;;) {
      const door = Atomics.load(words, word.door);
      const next = door === 2 ? 0 : door - 1;
      if (Atomics.compareExchange(words, word.door, door, next) === door) return next === 0;
    }
  }
}
