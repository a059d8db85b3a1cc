// The WebAssembly module of wasm/kernels: its memory's layout, and what the workers and their owner say to each other.

import { OutOfMemoryError } from "../../errors.ts";
import { instantiateModule } from "../../host/module-file.ts";
import { commandWords } from "./commands.ts";

export const pageBytes = 65536;

/** Where the control words begin; below lies the module's own data. */
export const controlAt = 4096;
/**
 * Control words, as indices of 32-bit words from `controlAt` on, each in a cache line of its own. Of the kernels' own
 * business are threads arrived at a meeting, meetings so far, whether the threads have to leave, and `claimed`, the items of a
 * command that threads have taken.
 */
export const control = {
  arrived: 0,
  generation: 16,
  stop: 32,
  submitted: 48,
  completed: 64,
  claimed: 80,
  ring: 128,
} as const;
/** Submissions that may wait in memory, three words each, as `Submission` lists them. */
export const ringLength = 64;
export const entryWords = 3;
/** Control words in all. */
export const controlWords = control.ring + entryWords * ringLength;
/** The first word of a submission, by its number. */
export const entryOf = (submission: number) => control.ring + entryWords * (submission % ringLength);
/** Where tensors may lie. */
export const firstAddress = pageBytes;

/** A list of commands in memory. */
export interface Submission {
  address: number;
  count: number;
  /** Where the milliseconds of each command go, f32; 0 where nobody asks. */
  times: number;
}

interface ModuleExports {
  run(
    list: number,
    count: number,
    size: number,
    thread: number,
    threads: number,
    control: number,
    times: number,
  ): number;
}

/** Runs one thread's part of a list of commands; false where the threads were told to stop. */
export type Run = (submission: Submission, thread: number, threads: number) => boolean;

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<Run> {
  const words = new Int32Array(memory.buffer, controlAt, control.ring);
  const wordAt = (address: number) => (address - controlAt) / 4;
  const host = {
    sleep: (address: number, value: number) => Atomics.wait(words, wordAt(address), value),
    wake: (address: number) => Atomics.notify(words, wordAt(address)),
    now: () => performance.now(),
  };
  const { run } = (await instantiateModule(bytes, { env: { memory }, host })) as unknown as ModuleExports;
  return ({ address, count, times }, thread, threads) =>
    run(address, count, 4 * commandWords, thread, threads, controlAt, times) !== 0;
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
  | { type: "run"; submission: Submission }
  | { type: "read"; address: number; bytes: number };

export type FromWorker =
  /** So many submissions are done. */
  { type: "done"; completed: number } | { type: "data"; data: ArrayBuffer };
