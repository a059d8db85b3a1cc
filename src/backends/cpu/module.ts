// The WebAssembly module of wasm/kernels: its memory's layout, and what the workers and their owner say to each other.

import { OutOfMemoryError, type SerializedError } from "../../errors.ts";
import { commandWords } from "./commands.ts";

export const pageBytes = 65536;

/** Where the control words begin; below lies the module's own data. */
export const controlAt = 4096;
/**
 * Control words, as indices of 32-bit words from `controlAt` on, each in a cache line of its own. wasm/kernels/threads.ts
 * knows the first three: threads arrived at a meeting, meetings so far, and whether the threads have to leave.
 */
export const control = { arrived: 0, generation: 16, stop: 32, submitted: 48, completed: 64, ring: 128 } as const;
/** Submissions that may wait in memory: address and number of commands of each. */
export const ringLength = 64;
/** Where tensors may lie. */
export const firstAddress = pageBytes;

interface ModuleExports {
  run(list: number, count: number, size: number, thread: number, threads: number, control: number): number;
}

/** Runs one thread's part of a list of commands; false where the threads were told to stop. */
export type Run = (list: number, count: number, thread: number, threads: number) => boolean;

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<Run> {
  const words = new Int32Array(memory.buffer, controlAt, control.ring);
  const wordAt = (address: number) => (address - controlAt) / 4;
  const host = {
    sleep: (address: number, value: number) => Atomics.wait(words, wordAt(address), value),
    wake: (address: number) => Atomics.notify(words, wordAt(address)),
  };
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory }, host });
  const { run } = instance.exports as unknown as ModuleExports;
  return (list, count, thread, threads) => run(list, count, 4 * commandWords, thread, threads, controlAt) !== 0;
}

/** A shared memory with the largest maximum the host grants. The module needs a shared one even for one thread. */
export function createMemory(): { memory: WebAssembly.Memory; limit: number } {
  for (const maximum of [65536, 32768, 16384, 8192]) {
    try {
      // The last page stays out of use: addresses and ends of arrays are 32-bit numbers.
      return {
        memory: new WebAssembly.Memory({ initial: 2, maximum, shared: true }),
        limit: (maximum - 1) * pageBytes,
      };
    } catch {
      // A host with little address space: ask for less.
    }
  }
  throw new OutOfMemoryError("the host refuses a WebAssembly memory of 512 MiB: close other pages or programs", {
    bytes: 8192 * pageBytes,
    limit: 8192 * pageBytes,
  });
}

/** Makes a worker one of the threads of a shared memory, or one that has its own and does what messages say. */
export interface StartMessage {
  type: "start";
  bytes: Uint8Array<ArrayBuffer>;
  shared?: { memory: WebAssembly.Memory; thread: number; threads: number };
}

export type ToWorker =
  | StartMessage
  | { type: "reserve"; end: number }
  | { type: "write"; address: number; data: Uint8Array<ArrayBuffer> }
  | { type: "run"; address: number; count: number }
  | { type: "read"; address: number; bytes: number };

export type FromWorker =
  | { type: "ready" }
  /** So many submissions are done. */
  | { type: "done"; completed: number }
  | { type: "data"; data: ArrayBuffer }
  | { type: "failed"; error: SerializedError };
