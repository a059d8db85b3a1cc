// The WebAssembly module of wasm/kernels: the layout of its memory, and the messages between the workers and their owner.

import { instantiateModule } from "../../host/compile.ts";
import { createSharedMemory, pageBytes } from "../../host/memory.ts";
import { signOfLife } from "../../host/silence.ts";
import { commandWords } from "./commands.ts";

/** The address of the control words; below it is the module's own data. */
export const controlAt = 4096;
/**
 * The control words, as indices of 32-bit words from `controlAt` on, each in its own cache line. The kernels use `arrived` and
 * `generation` for their barrier (threads that have arrived, barriers so far), `stop`, which is not 0 if the threads must end,
 * and `claimed`, the number of items of a command that threads have claimed.
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
/** The number of submissions that may wait in memory, each with the three words of `Submission`. */
export const ringLength = 64;
export const entryWords = 3;
/** The total number of control words. */
export const controlWords = control.ring + entryWords * ringLength;
/** The index of a submission's first word, by its number. */
export const entryOf = (submission: number) => control.ring + entryWords * (submission % ringLength);
/** The address of the lists of commands, whose memory is not that of tensors: commands do not fail when tensors fill all of it. */
export const listsAt = pageBytes;
export const listsBytes = 2 ** 20;
/** The first address of tensors. */
export const firstAddress = listsAt + listsBytes;

/** A list of commands in memory. */
export interface Submission {
  address: number;
  count: number;
  /** The address at which the milliseconds of each command are written, f32; 0 if they are not measured. */
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

/** Runs one thread's part of a list of commands; returns false if the threads were told to stop. */
export type Run = (submission: Submission, thread: number, threads: number) => boolean;

export async function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Promise<Run> {
  const words = new Int32Array(memory.buffer, controlAt, control.ring);
  const wordAt = (address: number) => (address - controlAt) / 4;
  const host = {
    sleep: (address: number, value: number) => Atomics.wait(words, wordAt(address), value),
    wake: (address: number) => Atomics.notify(words, wordAt(address)),
    now: () => performance.now(),
    beat: signOfLife,
  };
  const { run } = (await instantiateModule(bytes, { env: { memory }, host })) as unknown as ModuleExports;
  return ({ address, count, times }, thread, threads) =>
    run(address, count, 4 * commandWords, thread, threads, controlAt, times) !== 0;
}

/** Creates the memory. Its last page is not used, so that the ends of arrays fit into 32 bits. */
export function createMemory(): { memory: WebAssembly.Memory; limit: number } {
  const { memory, maximum } = createSharedMemory(2);
  return { memory, limit: (maximum - 1) * pageBytes };
}

/** Makes a worker one of the threads of a shared memory, or one that has its own memory and executes messages. */
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
  /** The number of submissions that are done. */
  { type: "done"; completed: number } | { type: "data"; data: ArrayBuffer };
