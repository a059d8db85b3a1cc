// The memory of the CPU device: allocations in one WebAssembly memory.

import { OutOfMemoryError } from "../../errors.ts";
import { type IsUsable, Pool, PooledStorage } from "../storage.ts";
import { firstAddress } from "./module.ts";

/** A tensor's memory, or a part of it. */
export class Allocation extends PooledStorage {
  /** The allocation that it is a part of; itself, if it is no part. */
  readonly whole: Allocation;

  constructor(
    readonly address: number,
    capacity: number,
    of?: Allocation,
  ) {
    super(capacity);
    this.whole = of?.whole ?? this;
  }

  slice(offset: number, bytes: number): Allocation {
    const part = new Allocation(this.address + offset, 0, this);
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

export class AllocationPool extends Pool<Allocation> {
  /** Ranges below `#end` that no allocation covers, by address. */
  #gaps: Gap[] = [];
  #end: number;

  constructor(
    /** The max bytes of all allocations. */
    readonly limit: number,
    /** Makes addresses below `end` usable. */
    readonly reserve: (end: number) => void,
    readonly start = firstAddress,
  ) {
    super();
    this.#end = start;
  }

  /** Returns an allocation that no submission after `completed` uses; undefined if there is no room for one. */
  allocateIdle(bytes: number, completed: number): Allocation | undefined {
    try {
      return this.allocate(bytes, ({ lastUse }) => lastUse <= completed);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      return undefined;
    }
  }

  /** Joins the released allocations into gaps, of which allocations of any size can be made. */
  trim(): void {
    for (const { address, capacity, lastUse } of [...this.released.values()].flat()) {
      this.reserved -= capacity;
      this.#gaps.push({ start: address, end: address + capacity, lastUse });
    }
    this.released.clear();
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

  protected create(bytes: number, capacity: number, isUsable: IsUsable = () => true): Allocation {
    const found = this.#fromGap(capacity, isUsable) ?? this.#atEnd(capacity);
    if (found) return found;
    // The last resort: the released memory of other sizes.
    this.trim();
    const allocation = this.#fromGap(capacity, isUsable) ?? this.#acrossEnd(capacity, isUsable);
    if (allocation) return allocation;
    throw this.noRoom(`${bytes} more bytes`, bytes);
  }

  #fromGap(capacity: number, isUsable: IsUsable): Allocation | undefined {
    const fitting = this.#gaps.filter((gap) => gap.end - gap.start >= capacity && isUsable(gap));
    if (fitting.length === 0) return undefined;
    // The smallest, so that large ones remain for large tensors.
    const gap = fitting.reduce((best, other) => (other.end - other.start < best.end - best.start ? other : best));
    const allocation = new Allocation(gap.start, capacity);
    allocation.lastUse = gap.lastUse;
    gap.start += capacity;
    if (gap.start === gap.end) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    return allocation;
  }

  /** Makes an allocation of the gap before the end, and of what it lacks beyond. */
  #acrossEnd(capacity: number, isUsable: IsUsable): Allocation | undefined {
    const gap = this.#gaps.at(-1);
    if (gap?.end !== this.#end || !isUsable(gap) || !this.#atEnd(capacity - (gap.end - gap.start))) return undefined;
    gap.end = this.#end;
    return this.#fromGap(capacity, isUsable);
  }

  #atEnd(capacity: number): Allocation | undefined {
    if (this.#end + capacity > this.start + this.limit) return undefined;
    try {
      this.reserve(this.#end + capacity);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      return undefined;
    }
    this.#end += capacity;
    return new Allocation(this.#end - capacity, capacity);
  }
}
