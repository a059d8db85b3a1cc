// The threads among themselves: which part of the work is whose, and where they wait for each other.
import { sleep, wake } from "./host";

/** Bytes in front of the control words: src/backends/cpu/module.ts knows them too. */
const ARRIVED: usize = 0;
const GENERATION: usize = 64;
const STOP: usize = 128;

/** So often a thread looks again before it sleeps: a few microseconds. */
const SPINS: i32 = 4000;

/** First of `items` that belong to a thread; the next thread's first is its end. */
export function firstOf(items: u32, thread: u32, threads: u32): u32 {
  return <u32>((<u64>items * thread) / threads);
}

/** Like firstOf, but only a multiple of 16 is the beginning of a share: no cache line and no vector is cut. */
export function firstNumberOf(size: u32, thread: u32, threads: u32): u32 {
  if (thread == threads) return size;
  return firstOf((size + 15) >> 4, thread, threads) << 4;
}

/** Returns when all threads have called it; false where they were told to stop. */
export function meet(control: usize, threads: i32): bool {
  const generation = atomic.load<i32>(control, GENERATION);
  // In this order: whoever stops the threads changes STOP first and GENERATION after it.
  if (atomic.load<i32>(control, STOP) != 0) return false;
  if (threads == 1) return true;
  if (atomic.add<i32>(control, 1, ARRIVED) == threads - 1) {
    atomic.store<i32>(control, 0, ARRIVED);
    atomic.add<i32>(control, 1, GENERATION);
    wake(control + GENERATION);
  } else {
    for (let i = 0; i < SPINS && atomic.load<i32>(control, GENERATION) == generation; i++) {}
    while (atomic.load<i32>(control, GENERATION) == generation) {
      sleep(control + GENERATION, generation);
    }
  }
  return atomic.load<i32>(control, STOP) == 0;
}
