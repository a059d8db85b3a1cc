// A job of the WebAssembly module (wasm/balltree/job.h): its layout in memory, and how it is written there and run. The same code
// serves threads that share a memory and a single worker that has its own.
import jobHeader from "../../wasm/balltree/job.h?raw";
import { Arena } from "./memory.ts";

/** What runs jobs. */
export interface Engine {
  memory: WebAssembly.Memory;
  /** The first byte of the memory that belongs to jobs. */
  start: number;
  /** The number of threads available. */
  threads: number;
  /**
   * Prepares and runs the job at an address on up to `threads` threads, including the calling one if it `worksAlong`.
   */
  run(job: number, threads: number, worksAlong: boolean): Promise<void> | void;
}

/** The points of a request and their division into clouds. */
export interface Points {
  /** [points, dimensionality] */
  positions: Float32Array;
  dimensionality: number;
  /** [clouds + 1] */
  offsets: Int32Array;
}

/** The fields of `struct Job` by name: their places in bytes, and whether they are of type double or of 32 bits. */
const jobFields = new Map<string, { at: number; isDouble: boolean }>();
let jobBytes = 0;
const jobStruct = /struct Job \{([^}]*)\}/.exec(jobHeader)![1];
for (const [, type, name] of jobStruct.matchAll(/^ *(?:const )?(\w+)\*? (\w+);/gm)) {
  const bytes = type === "double" ? 8 : 4;
  const at = Math.ceil(jobBytes / bytes) * bytes;
  jobFields.set(name, { at, isDouble: type === "double" });
  jobBytes = at + bytes;
}
type JobFields = Record<string, number>;
const jobKinds = { tree: 0, prepareSearch: 1, findNeighbours: 2 };

const taskBytes = 32;
/** `struct Sync`, which begins with the first bad row. */
const syncBytes = 236;
const recordBytes = 16;
/** The number of records that may be read past a buffer's end. */
const spareRecords = 16;
/** The maximum number of levels of a job: each has its own counter in `struct Sync`. */
export const maxLevels = 20;
/** Below this many points another thread is not worth waking. */
const pointsForThread = 2048;
const smallestGrain = 4096;
/** Parts of up to this many records are never split between threads. */
const leastGrain = 512;
/**
 * The calling thread works along on trees of up to this many points: a few milliseconds, less than one frame of a page.
 */
const pointsInPlace = 65536;

/** A job that is written into memory. */
export class Job {
  readonly arena: Arena;
  readonly #engine: Engine;
  readonly #address: number;
  readonly #sync: number;
  readonly #fields: JobFields;

  /**
   * Writes points, offsets, two buffers for `records` records, and queues with room for the tasks of `segments`
   * segments.
   */
  constructor(engine: Engine, request: Points, records: number, segments: number) {
    this.#engine = engine;
    this.arena = new Arena(engine.memory, engine.start);
    const points = request.offsets[request.offsets.length - 1];
    const threads = Math.max(1, Math.min(engine.threads, Math.floor(records / pointsForThread)));
    const grain = threads === 1 ? 2 ** 30 : Math.max(smallestGrain, Math.ceil(records / (8 * threads)));
    // Splitting n records down to leastGrain makes fewer than 2 n / leastGrain additional tasks.
    const taskCount = segments + Math.ceil((2 * records) / leastGrain);
    this.#address = this.arena.reserve(jobBytes);
    this.#sync = this.arena.reserve(syncBytes);
    this.#fields = {
      threads,
      grain,
      leastGrain,
      dimensionality: request.dimensionality,
      points,
      clouds: request.offsets.length - 1,
      sync: this.#sync,
      tasks: this.arena.reserve(2 * taskBytes * taskCount),
      taskCount,
      offsets: this.arena.store(request.offsets),
      positions: this.arena.store(request.positions),
      records: this.arena.reserve((records + spareRecords) * recordBytes),
      spare: this.arena.reserve((records + spareRecords) * recordBytes),
    };
  }

  get threads(): number {
    return this.#fields.threads;
  }

  set(fields: JobFields): void {
    const unknown = Object.keys(fields).find((name) => !jobFields.has(name));
    if (unknown) throw new Error(`struct Job has no field ${unknown}`);
    Object.assign(this.#fields, fields);
  }

  /** Runs the job; returns the first bad row or undefined. */
  async run(kind: keyof typeof jobKinds): Promise<number | undefined> {
    const { arena } = this;
    const { points, dimensionality, threads } = this.#fields;
    this.set({ kind: jobKinds[kind] });
    const view = new DataView(arena.memory.buffer, this.#address, jobBytes);
    for (const [name, { at, isDouble }] of jobFields) {
      const value = this.#fields[name] ?? 0;
      if (isDouble) view.setFloat64(at, value, true);
      else view.setInt32(at, value, true);
    }
    const worksAlong = kind === "tree" && points <= pointsInPlace && dimensionality <= 3;
    await this.#engine.run(this.#address, threads, worksAlong);
    const row = arena.ints(this.#sync, 1)[0];
    return row < points ? row : undefined;
  }
}

/** Returns what the threads of a job have done so far, in a form that changes with everything they do. */
export function stateOf(memory: WebAssembly.Memory, job: number): string {
  const [sync] = new Uint32Array(memory.buffer, job + jobFields.get("sync")!.at, 1);
  return new Int32Array(memory.buffer, sync, syncBytes / 4).join();
}
