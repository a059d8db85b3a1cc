// The WebAssembly module of wasm/balltree: its exports, and what the threads and their owner say to each other.
import type { SerializedError } from "../errors.ts";
import type { Request, Result } from "./execute.ts";

export interface ModuleExports {
  /** Does one thread's part of a job. */
  run(job: number, thread: number): void;
  /** First byte after the module's own data. */
  __heap_base: WebAssembly.Global<"i32">;
  __stack_pointer: WebAssembly.Global<"i32">;
}

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<ModuleExports> {
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return instance.exports as unknown as ModuleExports;
}

/** Room for one thread's stack. */
export const stackBytes = 65536;

/**
 * Words through which a thread is told what to do, in a cache line of its own: the number of the call (-1 to leave), the
 * job's address, the threads that take part.
 */
export const threadWords = 16;
/** Before them, a line with the number of threads that have not finished yet. */
export const unfinishedWord = 0;

/** Makes a worker one of the threads of a shared memory, or one that has its own and answers requests. */
export interface StartMessage {
  type: "start";
  bytes: Uint8Array<ArrayBuffer>;
  shared?: {
    memory: WebAssembly.Memory;
    /** Address of the words of all threads. */
    control: number;
    /** End of this thread's stack, which grows downwards. */
    stackEnd: number;
    thread: number;
  };
}

export interface RequestMessage {
  type: "request";
  request: Request;
}

export type ToWorker = StartMessage | RequestMessage;

export type FromWorker =
  | { type: "ready" }
  /** All threads have finished the job. */
  | { type: "done" }
  | { type: "result"; result: Result }
  | { type: "failed"; error: SerializedError };
