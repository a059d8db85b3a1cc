// The memory of the WebAssembly module. TypeScript manages it: the module itself allocates nothing.
import { OutOfMemoryError } from "../errors.ts";
import { createSharedMemory, pageBytes } from "../host/memory.ts";

/** Creates the memory, with the pages that small jobs need. */
export const createMemory = (): WebAssembly.Memory => createSharedMemory(32).memory;

/** Allocates regions of a memory one after the other. A new arena on the same memory begins again at its start. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  #next: number;

  constructor(memory: WebAssembly.Memory, start: number) {
    this.memory = memory;
    this.#next = start;
  }

  /**
   * Returns the address of `bytes` bytes, aligned to a cache line, with undefined content.
   *
   * @throws OutOfMemoryError if the memory cannot grow that far
   */
  reserve(bytes: number): number {
    const address = Math.ceil(this.#next / 64) * 64;
    const end = address + bytes;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.#grow(Math.ceil(missing / pageBytes), end);
    this.#next = end;
    return address;
  }

  #grow(pages: number, bytes: number): void {
    const present = this.memory.buffer.byteLength;
    try {
      if (present + pages * pageBytes > 65536 * pageBytes) throw new RangeError("beyond 4 GiB");
      this.memory.grow(pages);
    } catch (cause) {
      throw new OutOfMemoryError(
        `The ball tree needs ${bytes} bytes of WebAssembly memory, which has ${present} and cannot grow that far: ` +
          "use smaller batches.",
        { bytes, limit: present },
        { cause },
      );
    }
  }

  /** Writes a copy of `values` and returns its address. */
  store(values: Int32Array | Float32Array): number {
    const address = this.reserve(values.byteLength);
    if (values instanceof Int32Array) this.ints(address, values.length).set(values);
    else this.floats(address, values.length).set(values);
    return address;
  }

  ints(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }
}
