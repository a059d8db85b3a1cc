// One thread with its own memory: all of the CPU backend on hosts that cannot share memory.

import { OutOfMemoryError } from "../../errors.ts";
import { pageBytes } from "../../host/memory.ts";
import type { Executor } from "./executors.ts";
import { createMemory, instantiate, type Run, type Submission } from "./module.ts";

/** Grows a memory until it has `end` bytes. @throws OutOfMemoryError */
export function growTo(memory: WebAssembly.Memory, end: number, limit: number): void {
  const present = memory.buffer.byteLength;
  if (end <= present) return;
  // Memory grows by more than requested, because each growth takes time and a model has many tensors.
  const wanted = Math.min(limit, end + Math.max(2 ** 24, end / 8));
  for (const bytes of [wanted, end]) {
    try {
      memory.grow(Math.ceil((bytes - present) / pageBytes));
      return;
    } catch {
      // The next attempt requests no more than needed.
    }
  }
  throw new OutOfMemoryError(
    `the host has no memory for ${end} bytes of tensors, only for the ${present} it has given so far: use fewer points in a batch`,
    { bytes: end, limit: present },
  );
}

/** The calling thread as an executor. */
export class Machine implements Executor {
  readonly threads = 1;
  completed = 0;
  onFailure: Executor["onFailure"] = () => {};

  private constructor(
    readonly memory: WebAssembly.Memory,
    readonly limit: number,
    readonly run: Run,
  ) {}

  static async start(bytes: Uint8Array<ArrayBuffer>): Promise<Machine> {
    const { memory, limit } = createMemory();
    return new Machine(memory, limit, await instantiate(bytes, memory));
  }

  reserve(end: number): void {
    growTo(this.memory, end, this.limit);
  }

  submit(submission: Submission): void {
    this.run(submission, 0, 1);
    this.completed++;
  }

  write(address: number, data: Uint8Array): void {
    new Uint8Array(this.memory.buffer, address, data.byteLength).set(data);
  }

  writeInOrder(address: number, data: Uint8Array): void {
    this.write(address, data);
  }

  read(address: number, bytes: number): ArrayBuffer {
    return copyOut(this.memory, address, bytes);
  }

  async finished(): Promise<void> {}
  stop(): void {}
}

/** Copies a range of memory into a buffer that is not shared. */
export function copyOut(memory: WebAssembly.Memory, address: number, bytes: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy.set(new Uint8Array(memory.buffer, address, bytes));
  return copy.buffer;
}
