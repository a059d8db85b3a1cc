// The persistent threads. On a shared memory they sleep in Atomics.wait until the next job, and the calling thread
// works along on small jobs; a page that is not isolated gets one worker with its own memory, and a host without
// workers computes in place. The results are the same.
import { type AbortOptions, untilAborted } from "../abort.ts";
import { balltreeModule, poolScript } from "../assets.ts";
import { deserializeError, OutOfMemoryError, WorkerError } from "../errors.ts";
import { defaultThreads } from "../host/environment.ts";
import { readModule } from "../host/module-file.ts";
import { ThreadGroup } from "../host/thread-group.ts";
import { hasWorkers } from "../host/worker.ts";
import { SerialQueue } from "../serial.ts";
import { Calls, callBytes } from "./calls.ts";
import { execute, type Request, type Result } from "./execute.ts";
import { stateOf } from "./job.ts";
import { Arena, createMemory } from "./memory.ts";
import {
  type Answer,
  createEngine,
  instantiate,
  type ModuleExports,
  runAlone,
  stackBytes,
  type ToWorker,
} from "./module.ts";

const maxThreads = 32;

/** Milliseconds for which the calling thread polls for the end of the others' work; after that a message reports it. */
const POLLING_MS = 0.25;

/** Executes one request at a time. */
interface Runner {
  run(request: Request, threads: number): Promise<Result>;
  stop(): void;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The threads, of which one at a time answers. */
class PoolThreads {
  readonly #group: ThreadGroup<ToWorker, Answer>;
  /** The caller that waits for an answer. */
  #waiting: { resolve: (answer: Answer) => void; reject: (error: unknown) => void } | undefined;

  /** @param progress see `ThreadGroupListener` */
  constructor(progress?: () => string) {
    this.#group = new ThreadGroup(poolScript(), "trees and graphs", {
      onMessage: (message) => {
        if (message.type === "error") this.#waiting?.reject(deserializeError(message.error));
        else this.#waiting?.resolve(message);
      },
      onFailure: (error) => this.#waiting?.reject(error),
      progress,
    });
  }

  get count(): number {
    return this.#group.count;
  }

  /** Resolves when a thread has started for each message. Throws synchronously if a message cannot be posted. */
  async start(messages: ToWorker[]): Promise<void> {
    const starting = messages.map((message) => this.#group.start(message));
    this.#group.setRef(true);
    await Promise.all(starting);
    this.#group.setRef(false);
  }

  /** Returns the next answer from now on. */
  async answer(): Promise<Answer> {
    if (this.#group.failure) throw this.#group.failure;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    try {
      return await this.#group.wait(answer);
    } finally {
      this.#waiting = undefined;
    }
  }

  post(message: ToWorker, transfer: Transferable[]): void {
    this.#group.post(message, transfer);
  }

  stop(): void {
    this.#group.stop();
    this.#waiting?.reject(this.#group.failure);
  }
}

/** Threads on one shared memory, woken through words in it. */
class SharedThreads implements Runner {
  readonly #bytes: Bytes;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: ModuleExports;
  readonly #callsAt: number;
  readonly #calls: Calls;
  readonly #threads = new PoolThreads(() => this.#calls.state + stateOf(this.#memory, this.#job));
  /** The address of the last job. */
  #job = 0;

  private constructor(bytes: Bytes, memory: WebAssembly.Memory, exports: ModuleExports) {
    this.#bytes = bytes;
    this.#memory = memory;
    this.#exports = exports;
    this.#callsAt = Math.ceil(exports.__heap_base.value / callBytes) * callBytes;
    new Arena(memory, 0).reserve(this.#jobsAt);
    this.#calls = new Calls(memory, this.#callsAt);
  }

  /** Returns undefined if memory cannot be shared with a worker: on a page that is not cross-origin isolated. */
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
    return this.#stacks + stackBytes * maxThreads;
  }

  async #grow(threads: number): Promise<void> {
    const messages: ToWorker[] = [];
    for (let thread = this.#threads.count; thread < threads; thread++) {
      const stackEnd = this.#stacks + stackBytes * (thread + 1);
      const shared = { memory: this.#memory, calls: this.#callsAt, stackEnd };
      messages.push({ type: "start", bytes: this.#bytes, shared });
    }
    if (messages.length > 0) await this.#threads.start(messages);
  }

  run(request: Request, threads: number): Promise<Result> {
    return execute(request, {
      memory: this.#memory,
      start: this.#jobsAt,
      threads: Math.min(threads, maxThreads),
      run: (job, threads, worksAlong) => this.#run(job, threads, worksAlong),
    });
  }

  async #run(job: number, threads: number, worksAlong: boolean): Promise<void> {
    if (worksAlong && threads === 1) return runAlone(this.#exports, job);
    const inside = worksAlong ? 1 : 0;
    if (threads - inside > this.#threads.count) await this.#grow(threads - inside);
    this.#exports.prepare(job);
    this.#job = job;
    this.#calls.begin(job, threads, inside);
    if (worksAlong && this.#workAlong(job)) return;
    // Messages of the threads arrive no sooner than this call returns.
    await this.#threads.answer();
  }

  /**
   * Works on a job. Returns whether it is done and all threads have left it; otherwise the last to leave sends a
   * message.
   */
  #workAlong(job: number): boolean {
    let isDone = this.#exports.run(job, 0, 0);
    const end = performance.now() + POLLING_MS;
    while (!(isDone && this.#calls.isLast) && performance.now() < end) {
      if (!isDone) isDone = this.#exports.run(job, 0, 0);
    }
    return this.#calls.leave();
  }

  stop(): void {
    // A sleeping worker must be woken to leave: one terminated in its sleep can keep a Deno process from ending.
    this.#calls.end();
    this.#threads.stop();
  }
}

/** One worker with its own memory; requests and results are copied. */
class LoneWorker implements Runner {
  readonly #threads = new PoolThreads();

  static async start(bytes: Bytes): Promise<LoneWorker> {
    const runner = new LoneWorker();
    try {
      await runner.#threads.start([{ type: "start", bytes }]);
      return runner;
    } catch (error) {
      runner.stop();
      throw error;
    }
  }

  async run(request: Request): Promise<Result> {
    // Only the positions are copied: they may be a view of something much larger.
    const positions = request.positions.slice();
    this.#threads.post({ type: "request", request: { ...request, positions } }, [positions.buffer]);
    const answer = await this.#threads.answer();
    if (answer.type !== "result") throw new WorkerError(`Expected a result, found "${answer.type}".`, {});
    return answer.result;
  }

  stop(): void {
    this.#threads.stop();
  }
}

/** Without a worker: computes in place. */
async function computeInPlace(bytes: Bytes): Promise<Runner> {
  const engine = await createEngine(bytes);
  return { run: (request) => execute(request, engine), stop: () => {} };
}

async function startRunner(): Promise<Runner> {
  const bytes = await readModule(balltreeModule());
  if (inPlace || !hasWorkers(poolScript())) return computeInPlace(bytes);
  return (await SharedThreads.start(bytes)) ?? (await LoneWorker.start(bytes));
}

let runner: Runner | undefined;
let inPlace = false;

/** Used in a worker that is one of many: it builds trees and graphs itself, without threads of its own. */
export function buildInPlace(): void {
  inPlace = true;
}

/** Requests run one after the other: each uses all threads and the whole memory. */
const requests = new SerialQueue();

export interface SubmitOptions extends AbortOptions {
  threads?: number | undefined;
}

/** Executes a request on the pool, which it starts if necessary. */
export function submit(request: Request, { threads = defaultThreads(), signal }: SubmitOptions = {}): Promise<Result> {
  const result = requests.run(async () => {
    runner ??= await startRunner();
    try {
      return await untilAborted(runner.run(request, threads), signal);
    } catch (error) {
      // After a lack of memory the threads remain usable; after any other error they are restarted. Nothing else ends a
      // computation that is no longer wanted.
      if (!(error instanceof OutOfMemoryError)) {
        runner.stop();
        runner = undefined;
      }
      throw error;
    }
  }, signal);
  // A call that waits for its turn can be aborted at once.
  return untilAborted(result, signal);
}

/**
 * Stops the threads that build trees and graphs and frees their memory, after the calls in progress. The next call
 * starts them again. Idle threads do not keep a Node or Deno process alive.
 */
export function disposeThreads(): Promise<void> {
  return requests.run(async () => {
    runner?.stop();
    runner = undefined;
  });
}
