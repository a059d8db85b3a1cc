// The CPU device's allocator: pieces of the WebAssembly memory, each of which waits for the next request of its size once
// it is given back, so that repeated calls take nothing new.

import { OutOfMemoryError } from "../../errors.ts";
import type { DeviceMemory, Storage } from "../device.ts";
import { firstAddress } from "./module.ts";

/** So many bytes may always wait for reuse. */
const SMALL_RESERVE = 2 ** 26;

/** A tensor's memory, or a part of one's. `bytes` is what was asked for; the piece itself may be a little larger. */
export class Piece implements Storage {
  bytes = 0;
  /** What it is a part of, itself if it is none. */
  readonly whole: Piece;
  /** True between allocate and release. */
  inUse = false;
  /** Number of the last submission that uses it: until that is done, only commands may change it. */
  lastUse = 0;

  constructor(
    readonly address: number,
    readonly capacity: number,
    of?: Piece,
  ) {
    this.whole = of?.whole ?? this;
  }

  /** `bytes` bytes of it from `offset` on. Never in use by itself: releasing it does nothing. */
  slice(offset: number, bytes: number): Piece {
    const part = new Piece(this.address + offset, 0, this);
    part.bytes = bytes;
    return part;
  }
}

interface Gap {
  start: number;
  end: number;
  /** The last submission that uses anything in it. */
  lastUse: number;
}

/** Rounds up to an eighth of a power of two: few distinct sizes, at most an eighth wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

export class PiecePool implements DeviceMemory {
  current = 0;
  peak = 0;
  reserved = 0;
  buffersCreated = 0;

  readonly #waiting = new Map<number, Piece[]>();
  /** Stretches below `#end` that no piece takes, by address. */
  #gaps: Gap[] = [];
  #end = firstAddress;

  constructor(
    /** Bytes the memory can have at most. */
    readonly limit: number,
    /** Makes addresses below `end` usable. */
    readonly reserve: (end: number) => void,
  ) {}

  allocate(bytes: number): Piece {
    const capacity = sizeClass(bytes);
    return this.#take(this.#waiting.get(capacity)?.pop() ?? this.#create(bytes, capacity), bytes);
  }

  /** A piece that no submission after `completed` uses. */
  allocateIdle(bytes: number, completed: number): Piece {
    const capacity = sizeClass(bytes);
    const waiting = this.#waiting.get(capacity) ?? [];
    const idle = waiting.findIndex(({ lastUse }) => lastUse <= completed);
    if (idle >= 0) return this.#take(waiting.splice(idle, 1)[0]!, bytes);
    return this.#take(this.#create(bytes, capacity, completed), bytes);
  }

  release(piece: Piece): void {
    if (!piece.inUse) return;
    piece.inUse = false;
    this.current -= piece.bytes;
    const waiting = this.#waiting.get(piece.capacity);
    if (waiting) waiting.push(piece);
    else this.#waiting.set(piece.capacity, [piece]);
  }

  /** Joins the pieces that wait for reuse into gaps, of which pieces of any size can be made. */
  trim(): void {
    for (const waiting of this.#waiting.values()) {
      for (const { address, capacity, lastUse } of waiting) {
        this.reserved -= capacity;
        this.#gaps.push({ start: address, end: address + capacity, lastUse });
      }
    }
    this.#waiting.clear();
    this.#gaps.sort((a, b) => a.start - b.start);
    const joined: Gap[] = [];
    for (const gap of this.#gaps) {
      const before = joined.at(-1);
      if (before?.end === gap.start) {
        before.end = gap.end;
        before.lastUse = Math.max(before.lastUse, gap.lastUse);
      } else joined.push(gap);
    }
    this.#gaps = joined;
  }

  #take(piece: Piece, bytes: number): Piece {
    piece.bytes = bytes;
    piece.inUse = true;
    this.current += bytes;
    this.peak = Math.max(this.peak, this.current);
    return piece;
  }

  #create(bytes: number, capacity: number, idleAfter = Number.POSITIVE_INFINITY): Piece {
    // What waits for reuse in other sizes may not outgrow what was ever in use: a program of many shapes stays bounded.
    if (this.reserved - this.current > Math.max(this.peak, SMALL_RESERVE)) this.trim();
    const piece = this.#fromGap(capacity, idleAfter) ?? this.#atEnd(bytes, capacity, idleAfter);
    this.buffersCreated++;
    this.reserved += capacity;
    return piece;
  }

  #fromGap(capacity: number, idleAfter: number): Piece | undefined {
    const gap = this.#gaps.find(({ start, end, lastUse }) => end - start >= capacity && lastUse <= idleAfter);
    if (!gap) return undefined;
    const piece = new Piece(gap.start, capacity);
    piece.lastUse = gap.lastUse;
    gap.start += capacity;
    if (gap.start === gap.end) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    return piece;
  }

  #atEnd(bytes: number, capacity: number, idleAfter: number): Piece {
    if (this.#end + capacity <= this.limit) {
      try {
        this.reserve(this.#end + capacity);
        const piece = new Piece(this.#end, capacity);
        this.#end += capacity;
        return piece;
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
      }
    }
    // Before giving up: what waits in other sizes.
    this.trim();
    const piece = this.#fromGap(capacity, idleAfter);
    if (piece) return piece;
    throw new OutOfMemoryError(
      `there is no room for ${bytes} bytes more: ${this.current} of at most ${this.limit} bytes are in use. Use fewer points a batch`,
      { bytes, current: this.current, limit: this.limit },
    );
  }
}
