// One thread with a memory of its own: the whole CPU backend where memory cannot be shared.

import { OutOfMemoryError } from "../../errors.ts";
import { createMemory, instantiate, pageBytes, type Run, type Submission } from "./module.ts";

/** Grows a memory until it has `end` bytes. @throws OutOfMemoryError */
export function growTo(memory: WebAssembly.Memory, end: number, limit: number): void {
  const present = memory.buffer.byteLength;
  if (end <= present) return;
  // More than is asked for, so that a model's many tensors do not grow it one by one.
  const wanted = Math.min(limit, end + Math.max(2 ** 24, end / 8));
  for (const bytes of [wanted, end]) {
    try {
      memory.grow(Math.ceil((bytes - present) / pageBytes));
      return;
    } catch {
      // Then what is needed alone.
    }
  }
  throw new OutOfMemoryError(
    `the host has no memory for ${end} bytes of tensors, of which ${present} are there: use fewer points a batch`,
    { bytes: end, limit: present },
  );
}

export class Machine {
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

  execute(submission: Submission): void {
    this.run(submission, 0, 1);
  }

  write(address: number, data: Uint8Array): void {
    new Uint8Array(this.memory.buffer, address, data.byteLength).set(data);
  }

  read(address: number, bytes: number): ArrayBuffer {
    return copyOut(this.memory, address, bytes);
  }
}

/** A copy of a stretch of memory that is not shared. */
export function copyOut(memory: WebAssembly.Memory, address: number, bytes: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  copy.set(new Uint8Array(memory.buffer, address, bytes));
  return copy.buffer;
}
