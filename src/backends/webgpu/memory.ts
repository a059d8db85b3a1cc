// The caching allocator of the WebGPU device: a buffer that is given back waits for the next request of its size, so that
// repeated calls create nothing.

import { OutOfMemoryError } from "../../errors.ts";
import type { DeviceMemory, Storage } from "../device.ts";
import { bufferUsage } from "./constants.ts";

let buffersNamed = 0;
/** So many bytes may always wait for reuse. */
const SMALL_RESERVE = 2 ** 26;

/** A tensor's buffer, or a part of one. `bytes` is what was asked for; the buffer itself may be a little larger. */
export class BufferStorage implements Storage {
  readonly id = ++buffersNamed;
  bytes = 0;
  /** What it is a part of, itself if it is none, and where it begins there. */
  readonly whole: BufferStorage;
  readonly offset: number;
  /** True between allocate and release. */
  inUse = false;
  /** The recording that used it last: its contents may not be overwritten by the host before that is submitted. */
  lastRecording = -1;

  constructor(
    readonly buffer: GPUBuffer,
    readonly capacity: number,
    of?: BufferStorage,
    offset = 0,
  ) {
    this.whole = of?.whole ?? this;
    this.offset = (of?.offset ?? 0) + offset;
  }

  /** `bytes` bytes of it from `offset` on. Never in use by itself: releasing it does nothing. */
  slice(offset: number, bytes: number): BufferStorage {
    const part = new BufferStorage(this.buffer, 0, this, offset);
    part.bytes = bytes;
    return part;
  }
}

/** Rounds up to an eighth of a power of two: few distinct sizes, at most an eighth wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

export class BufferPool implements DeviceMemory {
  current = 0;
  peak = 0;
  reserved = 0;
  buffersCreated = 0;
  /** The first allocation the device refused after the fact; `trim` makes a new start. */
  failure: OutOfMemoryError | undefined;
  /** Destroys buffers once nothing refers to them; set by whoever refers to them. */
  whenUnused: (destroy: () => void) => void = (destroy) => destroy();

  /** By capacity; the oldest is last and taken first, so that a repeated call gets the same buffers, and finds its bind groups. */
  readonly #waiting = new Map<number, BufferStorage[]>();
  readonly #checks = new Set<Promise<void>>();

  constructor(
    readonly device: GPUDevice,
    readonly usage: number = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST,
  ) {}

  allocate(bytes: number): BufferStorage {
    const capacity = sizeClass(bytes);
    const storage = this.#waiting.get(capacity)?.pop() ?? this.#create(bytes, capacity);
    storage.bytes = bytes;
    storage.inUse = true;
    this.current += bytes;
    this.peak = Math.max(this.peak, this.current);
    return storage;
  }

  release(storage: BufferStorage): void {
    if (!storage.inUse) return;
    storage.inUse = false;
    this.current -= storage.bytes;
    const waiting = this.#waiting.get(storage.capacity);
    if (!waiting) this.#waiting.set(storage.capacity, [storage]);
    else {
      const older = waiting.findIndex(({ id }) => id < storage.id);
      waiting.splice(older < 0 ? waiting.length : older, 0, storage);
    }
  }

  /** Destroys the buffers that wait for reuse. */
  trim(): void {
    this.failure = undefined;
    const unused = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { capacity } of unused) this.reserved -= capacity;
    this.whenUnused(() => {
      for (const { buffer } of unused) buffer.destroy();
    });
  }

  /** Resolves once every allocation so far is known to have worked, throws the first that has not. */
  async verified(): Promise<void> {
    await Promise.all(this.#checks);
    if (this.failure) throw this.failure;
  }

  #create(bytes: number, capacity: number): BufferStorage {
    const limit = this.device.limits.maxBufferSize;
    if (bytes > limit) {
      throw new OutOfMemoryError(
        `a tensor of ${bytes} bytes does not fit into one buffer of this device, which holds at most ${limit}: use fewer points a batch`,
        { bytes, limit },
      );
    }
    // What waits for reuse in other sizes may not outgrow what was ever in use: a program of many shapes stays bounded.
    if (this.reserved - this.current > Math.max(this.peak, SMALL_RESERVE)) this.trim();
    const buffer = this.createBuffer(Math.min(capacity, Math.floor(limit / 4) * 4), bytes);
    this.buffersCreated++;
    this.reserved += capacity;
    return new BufferStorage(buffer, capacity);
  }

  protected createBuffer(size: number, bytes: number): GPUBuffer {
    this.device.pushErrorScope("out-of-memory");
    const buffer = this.device.createBuffer({ size, usage: this.usage });
    const check = this.device.popErrorScope().then((error) => {
      this.#checks.delete(check);
      if (!error) return;
      this.failure ??= new OutOfMemoryError(
        `the device has no memory for ${bytes} bytes more (${this.reserved} bytes are in use or kept for reuse): dispose of tensors and call device.trim() to go on, with fewer points a batch`,
        { bytes, reserved: this.reserved },
      );
    });
    this.#checks.add(check);
    return buffer;
  }
}
