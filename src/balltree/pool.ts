// The persistent threads. On a shared memory they sleep in Atomics.wait until a job comes, and the calling thread works along
// on small jobs; a page that is not isolated gets one worker with its own memory, and a host without workers computes in
// place. The results are the same.
import { balltreeModule, poolScript } from "../assets.ts";
import { deserializeError, OutOfMemoryError, WorkerError } from "../errors.ts";
import { defaultThreads } from "../host/environment.ts";
import { readModule } from "../host/module-file.ts";
import { type HostWorker, hasWorkers, startWorker } from "../host/worker.ts";
import { Calls, callBytes } from "./calls.ts";
import { execute, type Request, type Result } from "./execute.ts";
import { createMemory } from "./memory.ts";
import { type FromWorker, instantiate, type ModuleExports, runAlone, stackBytes, type ToWorker } from "./module.ts";

const mostThreads = 32;

/** Milliseconds for which the calling thread looks busily whether the others are done; then a message tells it. */
const PATIENCE = 0.25;

/** Something that executes one request at a time. */
interface Runner {
  run(request: Request, threads: number): Promise<Result>;
  stop(): void;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** A promise with its two ends. */
function withEnds<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((whenDone, whenFailed) => {
    resolve = whenDone;
    reject = whenFailed;
  });
  // Whoever waits sees the error; one that nobody waits for any more must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Starts workers and turns their messages into promises. */
class Workers {
  readonly #script = poolScript();
  readonly #workers: HostWorker[] = [];
  readonly #failed = withEnds<never>();
  #answer = withEnds<FromWorker>();

  get count(): number {
    return this.#workers.length;
  }

  /** Resolves when the new worker is ready; rejects if any worker fails. Throws where the message cannot be posted. */
  start(message: ToWorker): Promise<unknown> {
    const ready = withEnds<void>();
    const worker = startWorker(this.#script, {
      onMessage: (data) => {
        const message = data as FromWorker;
        if (message.type === "ready") ready.resolve();
        else if (message.type !== "failed") this.#answer.resolve(message);
        else for (const { reject } of [ready, this.#answer]) reject(deserializeError(message.error));
      },
      onError: (error) => this.#failed.reject(error),
    });
    try {
      worker.post(message);
    } catch (error) {
      worker.stop();
      throw error;
    }
    this.#workers.push(worker);
    return Promise.race([ready.promise, this.#failed.promise]);
  }

  /** The next answer from now on. Workers keep the process alive until then. */
  async answer(): Promise<FromWorker> {
    this.#answer = withEnds();
    this.setRef(true);
    try {
      return await Promise.race([this.#answer.promise, this.#failed.promise]);
    } finally {
      this.setRef(false);
    }
  }

  post(message: ToWorker, transfer: Transferable[]): void {
    this.#workers[0]!.post(message, transfer);
  }

  setRef(alive: boolean): void {
    for (const worker of this.#workers) worker.setRef(alive);
  }

  stop(): void {
    this.#failed.reject(new WorkerError("The threads were stopped.", { url: this.#script.url.href }));
    for (const worker of this.#workers) worker.stop();
  }
}

/** Threads on one shared memory, woken through words in it. */
class SharedThreads implements Runner {
  readonly #bytes: Bytes;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: ModuleExports;
  readonly #callsAt: number;
  readonly #calls: Calls;
  readonly #workers = new Workers();

  private constructor(bytes: Bytes, memory: WebAssembly.Memory, exports: ModuleExports) {
    this.#bytes = bytes;
    this.#memory = memory;
    this.#exports = exports;
    this.#callsAt = Math.ceil(exports.__heap_base.value / callBytes) * callBytes;
    const missing = this.#jobsAt - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    this.#calls = new Calls(memory, this.#callsAt);
  }

  /** Undefined where memory cannot be shared with a worker: on a page that is not cross-origin isolated. */
  static async start(bytes: Bytes): Promise<SharedThreads | undefined> {
    const memory = createMemory();
    const runner = new SharedThreads(bytes, memory, await instantiate(bytes, memory));
    try {
      await runner.#grow(1);
      return runner;
    } catch (error) {
      if (error instanceof Error && error.name === "DataCloneError") return undefined;
      runner.stop();
      throw error;
    }
  }

  get #stacks(): number {
    return this.#callsAt + callBytes;
  }

  get #jobsAt(): number {
    return this.#stacks + stackBytes * mostThreads;
  }

  async #grow(threads: number): Promise<void> {
    const starting: Promise<unknown>[] = [];
    for (let thread = this.#workers.count; thread < threads; thread++) {
      const stackEnd = this.#stacks + stackBytes * (thread + 1);
      const shared = { memory: this.#memory, calls: this.#callsAt, stackEnd };
      starting.push(this.#workers.start({ type: "start", bytes: this.#bytes, shared }));
    }
    if (starting.length === 0) return;
    this.#workers.setRef(true);
    await Promise.all(starting);
    this.#workers.setRef(false);
  }

  run(request: Request, threads: number): Promise<Result> {
    return execute(request, {
      memory: this.#memory,
      start: this.#jobsAt,
      threads: Math.min(threads, mostThreads),
      run: (job, threads, worksAlong) => this.#run(job, threads, worksAlong),
    });
  }

  async #run(job: number, threads: number, worksAlong: boolean): Promise<void> {
    if (worksAlong && threads === 1) return runAlone(this.#exports)(job);
    const inside = worksAlong ? 1 : 0;
    if (threads - inside > this.#workers.count) await this.#grow(threads - inside);
    this.#exports.prepare(job);
    this.#calls.begin(job, threads, inside);
    if (worksAlong && this.#workAlong(job)) return;
    await this.#workers.answer();
  }

  /** Does what there is to do at a job. Whether it is done and left by all; otherwise the last to leave it says so. */
  #workAlong(job: number): boolean {
    let isDone = this.#exports.run(job, 0, 0);
    const end = performance.now() + PATIENCE;
    while (!(isDone && this.#calls.isLast) && performance.now() < end) {
      if (!isDone) isDone = this.#exports.run(job, 0, 0);
    }
    return this.#calls.leave();
  }

  stop(): void {
    // A worker that sleeps must be woken to leave: one terminated in its sleep can keep a Deno process from ending.
    this.#calls.end();
    this.#workers.stop();
  }
}

/** One worker with its own memory; requests and results are copied. */
class LoneWorker implements Runner {
  readonly #workers = new Workers();

  static async start(bytes: Bytes): Promise<LoneWorker> {
    const runner = new LoneWorker();
    try {
      await runner.#workers.start({ type: "start", bytes });
      runner.#workers.setRef(false);
      return runner;
    } catch (error) {
      runner.stop();
      throw error;
    }
  }

  async run(request: Request): Promise<Result> {
    // A copy of the positions alone: what they may be a view of can be much larger.
    const positions = request.positions.slice();
    this.#workers.post({ type: "request", request: { ...request, positions } }, [positions.buffer]);
    const answer = await this.#workers.answer();
    if (answer.type !== "result") throw new WorkerError(`Expected a result, found "${answer.type}".`, {});
    return answer.result;
  }

  stop(): void {
    this.#workers.stop();
  }
}

/** No worker: computes in place. */
async function computeInPlace(bytes: Bytes): Promise<Runner> {
  const memory = createMemory();
  const exports = await instantiate(bytes, memory);
  const engine = { memory, start: exports.__heap_base.value, threads: 1, run: runAlone(exports) };
  return { run: (request) => execute(request, engine), stop: () => {} };
}

async function startRunner(): Promise<Runner> {
  const bytes = await readModule(balltreeModule());
  if (!hasWorkers(poolScript())) return computeInPlace(bytes);
  return (await SharedThreads.start(bytes)) ?? (await LoneWorker.start(bytes));
}

let runner: Runner | undefined;
let queue: Promise<unknown> = Promise.resolve();

/** Requests run one after the other: each has all threads and the whole memory. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work);
  queue = result.catch(() => {});
  return result;
}

/** Executes a request on the pool, which it starts if need be. */
export function submit(request: Request, threads = defaultThreads()): Promise<Result> {
  return inTurn(async () => {
    runner ??= await startRunner();
    try {
      return await runner.run(request, threads);
    } catch (error) {
      // Lack of memory leaves the threads as they were; after anything else they start afresh.
      if (!(error instanceof OutOfMemoryError)) {
        runner.stop();
        runner = undefined;
      }
      throw error;
    }
  });
}

/**
 * Stops the threads that build trees and graphs and frees their memory, after the calls under way. The next call starts
 * them again. Idle threads do not keep a Node or Deno process alive.
 */
export function disposeThreads(): Promise<void> {
  return inTurn(async () => {
    runner?.stop();
    runner = undefined;
  });
}
