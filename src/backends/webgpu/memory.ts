// The memory of the WebGPU device: buffers.

import { OutOfMemoryError } from "../../errors.ts";
import { Pool, PooledStorage } from "../storage.ts";
import { bufferUsage } from "./constants.ts";

let storagesMade = 0;

/** A tensor's buffer, or a part of one. */
export class BufferStorage extends PooledStorage {
  readonly id = ++storagesMade;
  /** The storage that it is a part of (itself, if it is no part), and the byte in it at which it begins. */
  readonly whole: BufferStorage;
  readonly offset: number;

  constructor(
    readonly buffer: GPUBuffer,
    capacity: number,
    of?: BufferStorage,
    offset = 0,
  ) {
    super(capacity);
    this.whole = of?.whole ?? this;
    this.offset = (of?.offset ?? 0) + offset;
  }

  slice(offset: number, bytes: number): BufferStorage {
    const part = new BufferStorage(this.buffer, 0, this, offset);
    part.bytes = bytes;
    return part;
  }
}

export class BufferPool extends Pool<BufferStorage> {
  /** The error of the first allocation that the device reported as failed; `trim` clears it. */
  failure: OutOfMemoryError | undefined;
  /** Destroys buffers once nothing refers to them; set by whoever refers to them. */
  whenUnused: (destroy: () => void) => void = (destroy) => destroy();
  readonly #checks = new Set<Promise<void>>();

  constructor(
    readonly device: GPUDevice,
    readonly limit = Number.POSITIVE_INFINITY,
    readonly usage: number = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST,
  ) {
    super();
  }

  /** Destroys the released buffers. */
  trim(): void {
    this.failure = undefined;
    const unused = [...this.released.values()].flat();
    this.released.clear();
    for (const { capacity } of unused) this.reserved -= capacity;
    this.whenUnused(() => {
      for (const { buffer } of unused) buffer.destroy();
    });
  }

  /** Resolves when every allocation so far is known to have succeeded; throws the error of the first that failed. */
  async verified(): Promise<void> {
    await Promise.all(this.#checks);
    if (this.failure) throw this.failure;
  }

  /** Keeps the oldest storage last, so that a repeated call gets the same buffers and finds its bind groups. */
  protected override insert(storage: BufferStorage, released: BufferStorage[]): void {
    const older = released.findIndex(({ id }) => id < storage.id);
    released.splice(older < 0 ? released.length : older, 0, storage);
  }

  protected create(bytes: number, capacity: number): BufferStorage {
    const largest = this.device.limits.maxBufferSize;
    if (bytes > largest) {
      throw new OutOfMemoryError(
        `a tensor of ${bytes} bytes does not fit into one buffer of this device, which holds at most ${largest}: use fewer points in a batch`,
        { bytes, limit: largest },
      );
    }
    if (this.reserved + capacity > this.limit) this.trim();
    if (this.reserved + capacity > this.limit) {
      throw new OutOfMemoryError(
        `there is no room for ${bytes} more bytes: ${this.current} of at most ${this.limit} bytes are in use. Use fewer points in a batch`,
        { bytes, current: this.current, limit: this.limit },
      );
    }
    return new BufferStorage(this.createBuffer(Math.min(capacity, Math.floor(largest / 4) * 4), bytes), capacity);
  }

  protected createBuffer(size: number, bytes: number): GPUBuffer {
    this.device.pushErrorScope("out-of-memory");
    const buffer = this.device.createBuffer({ size, usage: this.usage });
    const check = this.device.popErrorScope().then((error) => {
      this.#checks.delete(check);
      if (!error) return;
      this.failure ??= new OutOfMemoryError(
        `the device has no memory for ${bytes} more bytes (${this.reserved} bytes are in use or kept for reuse): dispose tensors and call device.trim() to continue, with fewer points in a batch`,
        { bytes, reserved: this.reserved },
      );
    });
    this.#checks.add(check);
    return buffer;
  }
}
