// The memory of the WebGPU device: buffers.

import { OutOfMemoryError } from "../../errors.ts";
import { type IsUsable, Pool, PooledStorage } from "../storage.ts";
import type { Allocations } from "./allocations.ts";
import { bufferUsage } from "./constants.ts";

let storagesMade = 0;

/** A tensor's buffer, or a part of one. */
export class BufferStorage extends PooledStorage {
  readonly id = ++storagesMade;
  /** The storage that it is a part of (itself, if it is no part), and the byte in it at which it begins. */
  readonly whole: BufferStorage;
  readonly offset: number;
  /** Of the whole: increases whenever something writes to it or to a part of it. */
  version = 0;
  /** Whether the device had no memory for it, which is known only some time after it was made. */
  failed = false;

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
  /** Destroys buffers once nothing refers to them; set by whoever refers to them. */
  whenUnused: (destroy: () => void) => void = (destroy) => destroy();
  /** Is told of storages that are released; set by whoever keeps something for them. */
  whenReleased: (storage: BufferStorage) => void = () => {};

  /** Work that waits: it keeps storages that it uses until it is done, even if they are released. Set by whoever lets work wait. */
  waiting: { keeps(storage: BufferStorage): boolean; settle(): void } | undefined;

  /** All that have not been destroyed. */
  readonly #buffers = new Set<GPUBuffer>();

  /** @param contents what its buffers hold, for messages */
  constructor(
    readonly allocations: Allocations,
    readonly limit = Number.POSITIVE_INFINITY,
    readonly usage: number = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST,
    readonly contents = "an intermediate result",
  ) {
    super();
  }

  override allocate(bytes: number, isUsable?: IsUsable, shape?: readonly number[]): BufferStorage {
    const largest = this.allocations.gpu.limits.maxBufferSize;
    // Also where released memory could be reused: the largest buffers are smaller than others of their capacity.
    if (bytes > largest) {
      throw new OutOfMemoryError(
        `${this.#what(shape)} of ${bytes} bytes does not fit into one buffer of this device, which holds at most ${largest}: use fewer points in a batch`,
        { bytes, limit: largest },
      );
    }
    return super.allocate(bytes, isUsable, shape);
  }

  override release(storage: BufferStorage): void {
    if (this.waiting?.keeps(storage)) return;
    if (storage.inUse) this.whenReleased(storage);
    if (storage.failed && storage.inUse) {
      storage.inUse = false;
      this.current -= storage.bytes;
      this.reserved -= storage.capacity;
      this.whenUnused(() => this.#destroy(storage));
    } else super.release(storage);
  }

  /** Destroys the released buffers. */
  trim(): void {
    this.waiting?.settle();
    const unused = [...this.released.values()].flat();
    this.released.clear();
    for (const { capacity } of unused) this.reserved -= capacity;
    this.whenUnused(() => {
      for (const storage of unused) this.#destroy(storage);
    });
  }

  /** Destroys all buffers, also those in use. */
  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
  }

  #destroy({ buffer }: BufferStorage): void {
    this.#buffers.delete(buffer);
    buffer.destroy();
  }

  /** Keeps the oldest storage last, so that a repeated call gets the same buffers and finds its bind groups. */
  protected override insert(storage: BufferStorage, released: BufferStorage[]): void {
    const older = released.findIndex(({ id }) => id < storage.id);
    released.splice(older < 0 ? released.length : older, 0, storage);
  }

  protected create(bytes: number, capacity: number, _?: IsUsable, shape?: readonly number[]): BufferStorage {
    const what = this.#what(shape);
    if (this.reserved + capacity > this.limit) this.trim();
    if (this.reserved + capacity > this.limit) throw this.noRoom(`${what} of ${bytes} bytes`, bytes);
    const size = Math.min(capacity, Math.floor(this.allocations.gpu.limits.maxBufferSize / 4) * 4);
    const buffer = this.createBuffer(size, what, bytes, () => {
      storage.failed = true;
    });
    this.#buffers.add(buffer);
    const storage = new BufferStorage(buffer, capacity);
    return storage;
  }

  #what(shape?: readonly number[]): string {
    return shape ? `a tensor [${shape}]` : this.contents;
  }

  protected createBuffer(size: number, what: string, bytes: number, onFailure: () => void): GPUBuffer {
    return this.allocations.buffer({ size, usage: this.usage }, what, bytes, onFailure);
  }
}
