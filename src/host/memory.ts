// The memory of the WebAssembly modules.

import { OutOfMemoryError } from "../errors.ts";

export const pageBytes = 65536;

/**
 * Creates a shared memory with the largest maximum that the host grants; the modules need a shared one even for one thread. Sizes
 * are in pages.
 */
export function createSharedMemory(initial: number): { memory: WebAssembly.Memory; maximum: number } {
  for (const maximum of [65536, 32768, 16384, 8192]) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum };
    } catch {
      // A host with little address space may grant less.
    }
  }
  throw new OutOfMemoryError(
    "the host refuses a WebAssembly memory of 512 MiB: close other pages or programs, or raise ulimit -v",
    {
      bytes: 8192 * pageBytes,
      limit: 8192 * pageBytes,
    },
  );
}
