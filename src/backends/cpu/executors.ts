// What executes the recorded commands: threads on one shared memory, which sleep until there is work; one worker with its own
// memory, on a page that is not cross-origin isolated; or the calling thread, on a host without workers. The threads are not
// those of the trees: those sleep on a memory that is overwritten by every request, serve all devices and outlive them; a
// device's threads sleep on its own memory and end with it.

import { kernelsModule, kernelsScript, relaxedKernelsModule } from "../../assets.ts";
import type { ErwinError } from "../../errors.ts";
import { tooOld } from "../../host/compile.ts";
import { readModule } from "../../host/module-file.ts";
import { ThreadGroup } from "../../host/thread-group.ts";
import { hasWorkers } from "../../host/worker.ts";
import { copyOut, growTo, Machine } from "./machine.ts";
import {
  control,
  controlAt,
  controlWords,
  createMemory,
  entryOf,
  type FromWorker,
  ringLength,
  type Submission,
  type ToWorker,
} from "./module.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Executes submissions in order; they are numbered from 1 on. */
export interface Executor {
  readonly threads: number;
  /** The maximum size of the memory in bytes. */
  readonly limit: number;
  /** The number of the last submission that is done. */
  readonly completed: number;
  /** Called once, if the work cannot continue. */
  onFailure: (error: ErwinError) => void;
  /** Makes addresses below `end` usable. @throws OutOfMemoryError */
  reserve(end: number): void;
  /** Writes at once, to memory that no unfinished submission uses. */
  write(address: number, data: Uint8Array): void;
  /** Writes to any memory, after all that has been submitted so far is done. */
  writeInOrder(address: number, data: Uint8Array): void;
  submit(submission: Submission): void;
  /** Resolves when all that has been submitted is done. */
  finished(): Promise<void>;
  /** Returns a copy of memory, made when everything submitted so far is done. */
  read(address: number, bytes: number): ArrayBuffer | Promise<ArrayBuffer>;
  stop(): void;
}

/** A caller that waits for a submission. */
interface Wait<Result> {
  submission: number;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

/** Threads, and the callers that wait for them. */
abstract class Threads {
  onFailure: (error: ErwinError) => void = () => {};
  protected readonly group: ThreadGroup<ToWorker, FromWorker>;
  protected submitted = 0;
  #waits: Wait<void>[] = [];

  abstract readonly completed: number;

  /** @param progress see `ThreadGroupListener` */
  constructor(progress?: () => string) {
    this.group = new ThreadGroup(kernelsScript(), "the CPU backend", {
      onMessage: (message) => this.receive(message),
      onFailure: (error) => {
        this.stop();
        this.onFailure(error);
      },
      progress,
    });
  }

  protected abstract receive(message: FromWorker): void;

  /** Must be called when submissions are done. */
  protected advance(): void {
    const { completed } = this;
    const done = this.#waits.filter(({ submission }) => submission <= completed);
    if (done.length === 0) return;
    this.#waits = this.#waits.filter(({ submission }) => submission > completed);
    for (const { resolve } of done) resolve();
  }

  async finished(): Promise<void> {
    if (this.group.failure) throw this.group.failure;
    const submission = this.submitted;
    if (submission <= this.completed) return;
    await this.group.wait(new Promise<void>((resolve, reject) => this.#waits.push({ submission, resolve, reject })));
  }

  stop(): void {
    this.group.stop();
    for (const { reject } of this.#waits.splice(0)) reject(this.group.failure!);
  }
}

class SharedThreads extends Threads implements Executor {
  readonly limit: number;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  /** The submissions that found the ring full, and writes that wait for the submissions before them. */
  #queue: (Submission | { address: number; data: Uint8Array })[] = [];
  #entered = 0;

  private constructor(readonly threads: number) {
    super(() => this.#words.subarray(0, control.ring).join());
    const { memory, limit } = createMemory();
    this.#memory = memory;
    this.limit = limit;
    this.#words = new Int32Array(memory.buffer, controlAt, controlWords);
  }

  /** Returns undefined if memory cannot be shared with a worker. */
  static async start(bytes: Bytes, threads: number): Promise<SharedThreads | undefined> {
    const executor = new SharedThreads(threads);
    try {
      const ready: Promise<void>[] = [];
      for (let thread = 0; thread < threads; thread++) {
        ready.push(
          executor.group.start({ type: "start", bytes, shared: { memory: executor.#memory, thread, threads } }),
        );
      }
      await Promise.all(ready);
      executor.group.setRef(false);
      return executor;
    } catch (error) {
      if (error instanceof Error && error.name === "DataCloneError") return undefined;
      executor.stop();
      throw error;
    }
  }

  get completed(): number {
    return Atomics.load(this.#words, control.completed);
  }

  reserve(end: number): void {
    growTo(this.#memory, end, this.limit);
  }

  write(address: number, data: Uint8Array): void {
    new Uint8Array(this.#memory.buffer, address, data.byteLength).set(data);
  }

  writeInOrder(address: number, data: Uint8Array): void {
    this.#queue.push({ address, data: data.slice() });
    this.#enter();
  }

  submit(submission: Submission): void {
    this.submitted++;
    this.#queue.push(submission);
    this.#enter();
  }

  async read(address: number, bytes: number): Promise<ArrayBuffer> {
    await this.finished();
    return copyOut(this.#memory, address, bytes);
  }

  protected receive(): void {
    this.#enter();
    this.advance();
  }

  /** Moves submissions into the ring, does the writes between them, and wakes the threads. */
  #enter(): void {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const waiting = this.#entered - this.completed;
      if (waiting >= ("data" in next ? 1 : ringLength)) break;
      this.#queue.shift();
      if ("data" in next) this.write(next.address, next.data);
      else this.#words.set([next.address, next.count, next.times], entryOf(this.#entered++));
    }
    Atomics.store(this.#words, control.submitted, this.#entered);
    Atomics.notify(this.#words, control.submitted);
  }

  override stop(): void {
    // A sleeping thread must be woken to leave: one terminated in its sleep can keep a Deno process from ending.
    Atomics.store(this.#words, control.stop, 1);
    for (const word of [control.generation, control.submitted]) {
      Atomics.add(this.#words, word, 1);
      Atomics.notify(this.#words, word);
    }
    super.stop();
  }
}

class LoneWorker extends Threads implements Executor {
  readonly threads = 1;
  completed = 0;
  readonly #reads: Wait<ArrayBuffer>[] = [];
  #reserved = 0;

  private constructor(readonly limit: number) {
    super();
  }

  static async start(bytes: Bytes): Promise<LoneWorker> {
    const executor = new LoneWorker(createMemory().limit);
    try {
      await executor.group.start({ type: "start", bytes });
      executor.group.setRef(false);
      return executor;
    } catch (error) {
      executor.stop();
      throw error;
    }
  }

  reserve(end: number): void {
    if (end <= this.#reserved) return;
    this.#reserved = end;
    this.#post({ type: "reserve", end });
  }

  write(address: number, data: Uint8Array): void {
    const copy = new Uint8Array(data);
    this.#post({ type: "write", address, data: copy }, [copy.buffer]);
  }

  writeInOrder(address: number, data: Uint8Array): void {
    this.write(address, data);
  }

  submit(submission: Submission): void {
    this.submitted++;
    this.#post({ type: "run", submission });
  }

  async read(address: number, bytes: number): Promise<ArrayBuffer> {
    if (this.group.failure) throw this.group.failure;
    const data = new Promise<ArrayBuffer>((resolve, reject) => {
      this.#reads.push({ submission: this.submitted, resolve, reject });
    });
    this.#post({ type: "read", address, bytes });
    return this.group.wait(data);
  }

  protected receive(message: FromWorker): void {
    if (message.type === "data") this.#reads.shift()?.resolve(message.data);
    if (message.type !== "done") return;
    this.completed = message.completed;
    this.advance();
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.group.post(message, transfer);
  }

  override stop(): void {
    super.stop();
    for (const { reject } of this.#reads.splice(0)) reject(this.group.failure!);
  }
}

/**
 * A module with one function, which takes and returns vectors: f32x4.relaxed_madd of its three arguments. It is valid where the
 * module with fused multiply-add is, so that hosts without relaxed SIMD need not load that to find out.
 */
// biome-ignore format: a section of the module in each line: types, functions, code
const RELAXED_PROBE = Uint8Array.of(
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b,
  3, 2, 1, 0,
  10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 2, 11,
);

/** Reads the module for this host: the one with fused multiply-add if the host has relaxed SIMD. */
async function moduleBytes(): Promise<{ bytes: Bytes; relaxed: boolean }> {
  if (globalThis.WebAssembly?.validate(RELAXED_PROBE)) {
    const relaxed = await readModule(relaxedKernelsModule());
    if (WebAssembly.validate(relaxed)) return { bytes: relaxed, relaxed: true };
  }
  const plain = await readModule(kernelsModule());
  if (WebAssembly.validate(plain)) return { bytes: plain, relaxed: false };
  throw tooOld();
}

/** Starts the best executor that this host allows. */
export async function startExecutor(threads: number): Promise<{ executor: Executor; relaxed: boolean }> {
  const { bytes, relaxed } = await moduleBytes();
  if (!hasWorkers(kernelsScript())) {
    return { executor: await Machine.start(bytes), relaxed };
  }
  const shared = await SharedThreads.start(bytes, threads);
  return { executor: shared ?? (await LoneWorker.start(bytes)), relaxed };
}
