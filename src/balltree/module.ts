// The WebAssembly module of wasm/balltree: its exports, and the messages between the threads and their owner.
import type { SerializedError } from "../errors.ts";
import { instantiateModule } from "../host/compile.ts";
import { signOfLife } from "../host/silence.ts";
import type { Request, Result } from "./execute.ts";
import type { Engine } from "./job.ts";
import { createMemory } from "./memory.ts";

export interface ModuleExports {
  /** Prepares a job whose description is complete for its threads. */
  prepare(job: number): void;
  /** Does one thread's part of a job. Returns whether the job is done: always 1, unless the thread may not sleep. */
  run(job: number, thread: number, maySleep: 0 | 1): 0 | 1;
  /** The first byte after the module's own data. */
  __heap_base: WebAssembly.Global<"i32">;
  __stack_pointer: WebAssembly.Global<"i32">;
}

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<ModuleExports> {
  const host = { beat: signOfLife };
  return (await instantiateModule(bytes, { env: { memory }, host })) as unknown as ModuleExports;
}

/** Does all of a job in the calling thread. */
export function runAlone({ prepare, run }: ModuleExports, job: number): void {
  prepare(job);
  run(job, 0, 1);
}

/** Creates an engine of the calling thread alone, with a memory of its own. */
export async function createEngine(bytes: Uint8Array<ArrayBuffer>): Promise<Engine> {
  const memory = createMemory();
  const exports = await instantiate(bytes, memory);
  return { memory, start: exports.__heap_base.value, threads: 1, run: (job) => runAlone(exports, job) };
}

/** The size of one thread's stack in bytes. */
export const stackBytes = 65536;

/** Starts a worker as one of the threads of a shared memory, or as one that has its own memory and answers requests. */
export interface StartMessage {
  type: "start";
  bytes: Uint8Array<ArrayBuffer>;
  shared?: {
    memory: WebAssembly.Memory;
    /** The address of the words of `Calls`. */
    calls: number;
    /** The end of this thread's stack, which grows downwards. */
    stackEnd: number;
  };
}

export interface RequestMessage {
  type: "request";
  request: Request;
}

export type ToWorker = StartMessage | RequestMessage;

export type Answer =
  /** The last thread has left a job that is done. */
  | { type: "done" }
  | { type: "result"; result: Result }
  /** A request failed; the next one may succeed. */
  | { type: "error"; error: SerializedError };
