// The WebAssembly module of wasm/balltree: its exports, and what the threads and their owner say to each other.
import type { SerializedError } from "../errors.ts";
import { instantiateModule } from "../host/module-file.ts";
import type { Request, Result } from "./execute.ts";

export interface ModuleExports {
  /** Makes a job that is laid out ready for its threads. */
  prepare(job: number): void;
  /** Does one thread's part of a job. Whether the job is done: 1 always, unless the thread may not sleep. */
  run(job: number, thread: number, maySleep: 0 | 1): 0 | 1;
  /** First byte after the module's own data. */
  __heap_base: WebAssembly.Global<"i32">;
  __stack_pointer: WebAssembly.Global<"i32">;
}

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<ModuleExports> {
  return (await instantiateModule(bytes, { env: { memory } })) as unknown as ModuleExports;
}

/** Does all of a job in the calling thread, as an engine's `run`. */
export const runAlone =
  ({ prepare, run }: ModuleExports) =>
  (job: number): void => {
    prepare(job);
    run(job, 0, 1);
  };

/** Room for one thread's stack. */
export const stackBytes = 65536;

/** Makes a worker one of the threads of a shared memory, or one that has its own and answers requests. */
export interface StartMessage {
  type: "start";
  bytes: Uint8Array<ArrayBuffer>;
  shared?: {
    memory: WebAssembly.Memory;
    /** Address of the words of `Calls`. */
    calls: number;
    /** End of this thread's stack, which grows downwards. */
    stackEnd: number;
  };
}

export interface RequestMessage {
  type: "request";
  request: Request;
}

export type ToWorker = StartMessage | RequestMessage;

export type Answer =
  /** The last thread has left a finished job. */
  | { type: "done" }
  | { type: "result"; result: Result }
  /** A request could not be met; the next one may be. */
  | { type: "error"; error: SerializedError };
