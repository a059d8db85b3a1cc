// Device memory as operators see it, and the caching allocator of all devices: an allocation that is released waits for the next
// request of its size, so that repeated calls allocate nothing new.

import { OutOfMemoryError } from "../errors.ts";
import type { DeviceMemory } from "./device.ts";

/** Device memory. What it consists of depends on the backend. */
export interface Storage {
  readonly bytes: number;
  /**
   * A part of it, from a byte that is a multiple of 256 if operators are to work on it, and otherwise of 4. Only the whole is
   * released, never a part. An operator cannot read one part and write another of the same whole.
   */
  slice(offset: number, bytes: number): Storage;
}

/** Allocates and releases device memory. */
export interface Memory {
  /** @throws OutOfMemoryError if the device cannot hold so many bytes */
  allocate(bytes: number): Storage;
  /** Releases memory for reuse. Work that is already recorded may still read it. */
  release(storage: Storage): void;
}

/** Memory that a pool manages: `bytes` were requested, `capacity` may be slightly larger. */
export abstract class PooledStorage implements Storage {
  bytes = 0;
  /** True between allocate and release. A slice is never in use itself: releasing it does nothing. */
  inUse = false;
  /** The number of the last submission that uses it. Until that is submitted, or on the CPU done, the host may not write to it. */
  lastUse = 0;

  constructor(readonly capacity: number) {}

  abstract slice(offset: number, bytes: number): PooledStorage;
}

/** Whether a request can reuse memory that was last used by this submission. */
export type IsUsable = (memory: Pick<PooledStorage, "lastUse">) => boolean;

/** This many released bytes may always wait for reuse. */
const SMALL_RESERVE = 2 ** 26;

/** Rounds up to an eighth of a power of two: few distinct sizes, at most an eighth wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

export abstract class Pool<Pooled extends PooledStorage> implements DeviceMemory, Memory {
  current = 0;
  peak = 0;
  reserved = 0;
  buffersCreated = 0;
  abstract readonly limit: number;
  /** The released storages, by capacity. The last one is reused first. */
  protected readonly released = new Map<number, Pooled[]>();
  readonly #forgotten: Pooled[] = [];
  #forgottenBytes = 0;
  /** What the work in progress of `freeingOnFailure` has allocated. */
  #allocated: Pooled[] | undefined;

  /** @param shape the shape of the tensor that it is for, for messages */
  allocate(bytes: number, isUsable?: IsUsable, shape?: readonly number[]): Pooled {
    const capacity = sizeClass(bytes);
    const make = () => this.#reuse(capacity, isUsable) ?? this.#create(bytes, capacity, isUsable, shape);
    if (this.#forgottenBytes > SMALL_RESERVE) this.releaseForgotten();
    let storage: Pooled;
    try {
      storage = make();
    } catch (error) {
      if (!this.releaseForgotten()) throw error;
      storage = make();
    }
    storage.bytes = bytes;
    storage.inUse = true;
    this.#allocated?.push(storage);
    this.current += bytes;
    this.peak = Math.max(this.peak, this.current);
    return storage;
  }

  release(storage: Pooled): void {
    if (!storage.inUse) return;
    storage.inUse = false;
    this.current -= storage.bytes;
    const others = this.released.get(storage.capacity);
    if (others) this.insert(storage, others);
    else this.released.set(storage.capacity, [storage]);
  }

  /**
   * Releases memory once other memory is needed, or by `trim`: not before, so that how much is in use does not depend on the garbage
   * collector.
   */
  forget(storage: Pooled): void {
    if (!storage.inUse) return;
    this.#forgotten.push(storage);
    this.#forgottenBytes += storage.bytes;
  }

  /** @returns whether any was forgotten */
  releaseForgotten(): boolean {
    const found = this.#forgotten.splice(0);
    this.#forgottenBytes = 0;
    for (const storage of found) this.release(storage);
    return found.length > 0;
  }

  /** Does work; if it throws, for lack of memory perhaps, releases what it has allocated. */
  freeingOnFailure<Result>(work: () => Result): Result {
    const allocated: Pooled[] = [];
    this.#allocated = allocated;
    try {
      return work();
    } catch (error) {
      for (const storage of allocated) this.release(storage);
      throw error;
    } finally {
      this.#allocated = undefined;
    }
  }

  /** Makes the released memory available for other sizes or other programs. */
  abstract trim(): void;

  /** Makes a storage of this capacity, for a request of `bytes` bytes. */
  protected abstract create(bytes: number, capacity: number, isUsable?: IsUsable, shape?: readonly number[]): Pooled;

  /** @param what was to be allocated, such as "400 more bytes" */
  protected noRoom(what: string, bytes: number): OutOfMemoryError {
    const { current, limit } = this;
    return new OutOfMemoryError(
      `there is no room for ${what}: ${current} of at most ${limit} bytes are in use. ` +
        "Use fewer points in a batch, and dispose what is no longer needed (using, scope)",
      { bytes, current, limit },
    );
  }

  protected insert(storage: Pooled, released: Pooled[]): void {
    released.push(storage);
  }

  #reuse(capacity: number, isUsable?: IsUsable): Pooled | undefined {
    const released = this.released.get(capacity);
    if (!isUsable) return released?.pop();
    const index = released?.findIndex(isUsable) ?? -1;
    return index < 0 ? undefined : released!.splice(index, 1)[0];
  }

  #create(bytes: number, capacity: number, isUsable?: IsUsable, shape?: readonly number[]): Pooled {
    // Released memory of other sizes may not outgrow the peak use: the memory of a program with many shapes stays bounded.
    if (this.reserved - this.current > Math.max(this.peak, SMALL_RESERVE)) this.trim();
    const storage = this.create(bytes, capacity, isUsable, shape);
    this.buffersCreated++;
    this.reserved += capacity;
    return storage;
  }
}
