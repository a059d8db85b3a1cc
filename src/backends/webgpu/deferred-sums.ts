// Sums over parts that wait until several of them can be computed in one dispatch: a backward pass has hundreds, many of which
// take less time than a dispatch costs. Everything that runs kernels or moves memory tells this file which memory it is about to
// use; if that has to do with a sum that waits, all of them are computed first.

import type { DeviceInfo } from "../device.ts";
import type { Destination } from "../operators.ts";
import { flag, type Run, THREADS } from "./context.ts";
import type { BufferPool, BufferStorage } from "./memory.ts";
import type { Bound } from "./recorder.ts";

/**
 * The most sums of one dispatch, and the most arrays whose parts they add up: every device binds eight arrays, of which one is
 * written. An adapter that computes on the processor gains nothing by fewer dispatches, and would go through the code of all
 * arrays for each sum: there only the sums of one array are joined.
 */
const MAX_JOINED = { gpu: { jobs: 15, arrays: 7 }, software: { jobs: 4, arrays: 1 } };
/** Sums are computed once this many bytes wait to be added up. */
const MAX_BYTES = 100 * 2 ** 20;
/** From this number of parts on, several threads share a sum. */
const MANY_PARTS = 64;
const LANES = 8;
/** Finding its job takes a workgroup longer than a sum of few parts: where there are more workgroups than these, each does more. */
const ENOUGH_GROUPS = 512;
const MAX_ROUNDS = 16;

/** The parameters of a job but for its first workgroup, by their names in sum_parts.wgsl, and those of one that there is not. */
const NO_JOB = {
  array: 0,
  parts: 0,
  part_size: 0,
  first: 0,
  size: 0,
  columns: 0,
  out_first: 0,
  out_columns: 0,
  packed_width: 0,
  accumulate: 0,
  rounds: 0,
};
type Job = typeof NO_JOB;
const NO_GROUP = 2 ** 32 - 1;

/** A sum over parts, as sum_parts.wgsl defines it. */
export interface SumOfParts {
  /** The memory of all parts, no slice. */
  sums: BufferStorage;
  into: Destination;
  parts: number;
  partSize: number;
  /** The first element that is added up in each part. */
  first: number;
  rows: number;
  columns: number;
  /** The elements from one row of the destination to the next, and before the first. */
  stride: number;
  offset: number;
  packedWidth: number;
}

export class DeferredSums {
  /** The most sums and arrays of one dispatch. */
  most: { jobs: number; arrays: number };
  /** The destinations of what waits lie in one allocation, apart from one another. */
  #waiting: SumOfParts[] = [];
  /** The arrays that it adds up, and those of them that were released meanwhile. */
  readonly #arrays = new Set<BufferStorage>();
  readonly #released = new Set<BufferStorage>();

  /** @param runNow runs a kernel that has nothing to do with what waits */
  constructor(
    readonly runNow: Run,
    readonly pool: BufferPool,
    readonly info: Pick<DeviceInfo, "maxBindingBytes" | "software">,
  ) {
    this.most = info.software ? MAX_JOINED.software : MAX_JOINED.gpu;
    pool.waiting = this;
  }

  /** Runs a kernel, after the sums that it may depend on. */
  readonly run: Run = (name, constants, bound, parameters, groups) => {
    if (this.#waiting.length > 0) for (const array in bound) this.before(bound[array]);
    this.runNow(name, constants, bound, parameters, groups);
  };

  /** Computes what waits if it uses the memory that something else is about to use. */
  before(memory: Bound): void {
    if (this.#waiting.length === 0) return;
    const { whole } = "storage" in memory ? memory.storage : (memory as BufferStorage);
    if (whole === wholeOf(this.#waiting[0]) || this.#arrays.has(whole)) this.settle();
  }

  /** Computes a sum now or later. The partial sums may be released at once. */
  add(sum: SumOfParts): void {
    const { storage } = sum.into;
    // Memory of its own has no place for the results of others.
    if (wholeOf(sum) === storage) {
      this.before(storage);
      this.#compute([sum]);
      return;
    }
    if (!this.#joins(sum)) this.settle();
    this.#waiting.push(sum);
    this.#arrays.add(sum.sums);
  }

  /** Computes all that waits. */
  settle(): void {
    if (this.#waiting.length > 0) this.#end((sums) => this.#compute(sums));
  }

  /** Forgets what waits. */
  drop(): void {
    this.#end(() => {});
  }

  /** Takes over the memory of partial sums that is released while their sum waits; returns whether it did. */
  keeps(storage: BufferStorage): boolean {
    if (!this.#arrays.has(storage)) return false;
    this.#released.add(storage);
    let bytes = 0;
    for (const array of this.#released) bytes += array.bytes;
    if (bytes >= MAX_BYTES) this.settle();
    return true;
  }

  #end(work: (sums: readonly SumOfParts[]) => void): void {
    const sums = this.#waiting;
    const released = [...this.#released];
    this.#waiting = [];
    this.#arrays.clear();
    this.#released.clear();
    try {
      work(sums);
    } finally {
      for (const storage of released) this.pool.release(storage);
    }
  }

  #joins(sum: SumOfParts): boolean {
    const waiting = this.#waiting;
    if (waiting.length === 0) return true;
    if (waiting.length === this.most.jobs || wholeOf(sum) !== wholeOf(waiting[0])) return false;
    if (this.#arrays.size === this.most.arrays && !this.#arrays.has(sum.sums)) return false;
    if (waiting.some((other) => overlap(sum, other))) return false;
    return spanOf([...waiting, sum]).bytes <= this.info.maxBindingBytes;
  }

  #compute(sums: readonly SumOfParts[]): void {
    const { jobs: JOBS, arrays: ARRAYS } = this.most;
    const arrays = [...new Set(sums.map((sum) => sum.sums))];
    const { offset, bytes } = spanOf(sums);
    const bound: Record<string, Bound> = { out: { storage: wholeOf(sums[0]), offset, bytes } };
    for (let i = 0; i < ARRAYS; i++) bound[`sums_${i}`] = arrays[i] ?? { storage: arrays[0], offset: 0, bytes: 4 };
    const parameters: Record<string, number> = {};
    let groups = 0;
    for (let j = 0; j < JOBS; j++) {
      const { workgroups = 0, job = NO_JOB } = j < sums.length ? jobOf(sums[j], arrays, offset) : {};
      for (const name in job) parameters[`${name}_${j}`] = job[name as keyof Job];
      parameters[`group_${j}`] = job === NO_JOB ? NO_GROUP : groups;
      groups += workgroups;
    }
    this.runNow("sum_parts", { JOBS, ARRAYS, MANY_PARTS }, bound, parameters, groups);
  }
}

const wholeOf = ({ into }: SumOfParts) => (into.storage as BufferStorage).whole;

/** The bytes [from, to) of its allocation in which a sum's destination lies. */
function rangeOf({ into }: SumOfParts): readonly [from: number, to: number] {
  const { offset, bytes } = into.storage as BufferStorage;
  return [offset, offset + Math.ceil(bytes / 4) * 4];
}

/** Whether two sums may have elements of their destinations in common: not if these are different columns of one matrix. */
function overlap(a: SumOfParts, b: SumOfParts): boolean {
  const [from, to] = rangeOf(a);
  const [otherFrom, otherTo] = rangeOf(b);
  if (to <= otherFrom || otherTo <= from) return false;
  const areColumns = from === otherFrom && a.stride === b.stride;
  return !areColumns || (a.offset < b.offset + b.columns && b.offset < a.offset + a.columns);
}

/** The smallest part of their allocation that can be bound and has the destinations of all sums. */
function spanOf(sums: readonly SumOfParts[]): { offset: number; bytes: number } {
  const ranges = sums.map(rangeOf);
  const first = Math.min(...ranges.map(([from]) => from));
  const offset = first - (first % 256);
  return { offset, bytes: Math.max(...ranges.map(([, to]) => to)) - offset };
}

/** A job of sum_parts.wgsl, which adds to or writes its part of the bytes from `start` on, and its workgroups. */
function jobOf(sum: SumOfParts, arrays: readonly BufferStorage[], start: number) {
  const { rows, columns, parts } = sum;
  const size = rows * columns;
  const workgroups = Math.ceil((size * (parts >= MANY_PARTS ? LANES : 1)) / THREADS);
  const rounds = parts >= MANY_PARTS ? 1 : Math.min(MAX_ROUNDS, Math.ceil(workgroups / ENOUGH_GROUPS));
  const job: Job = {
    array: arrays.indexOf(sum.sums),
    parts,
    part_size: sum.partSize,
    first: sum.first,
    size,
    columns,
    out_first: (rangeOf(sum)[0] - start) / 4 + sum.offset,
    out_columns: sum.stride,
    packed_width: sum.packedWidth,
    accumulate: flag(sum.into.accumulate),
    rounds,
  };
  return { job, workgroups: Math.ceil(workgroups / rounds) };
}
