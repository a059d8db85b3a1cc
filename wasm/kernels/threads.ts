// How threads divide work and wait for each other.
import { ARRIVED, CLAIMED, GENERATION, STOP } from "../out/shared";
import { beat, sleep, wake } from "./host";

/** Address of the control words. */
let control: usize = 0;

export function useControl(at: usize): void {
  control = at;
}

/**
 * A thread that waits for the others checks so many times before it sleeps, since waking it takes 50 us: 5 to 100 us. Where its
 * checks were in vain, as beside other programs, it checks half as often the next time, and where they were not, twice as often.
 */
const MIN_CHECKS: i32 = 4000;
const MAX_CHECKS: i32 = 64000;
let checks: i32 = MAX_CHECKS;

/** A single thread claims at most this many items, so that it gives signs of life. */
const MAX_ALONE: u32 = 1024;

/** Returns the first of `items` that belongs to a thread; it ends where the next thread's begin. */
export function firstOf(items: u32, thread: u32, threads: u32): u32 {
  return <u32>((<u64>items * thread) / threads);
}

/** Like firstOf, but every share begins at a multiple of 16, so that no cache line and no vector is divided. */
export function firstElementOf(size: u32, thread: u32, threads: u32): u32 {
  if (thread == threads) return size;
  return firstOf((size + 15) >> 4, thread, threads) << 4;
}

/** How many items of the current command this thread has claimed and not yet done. */
let claimed: u32 = 0;
let claimedEnd: u32 = 0;

/**
 * Returns the next of `items` for this thread, or `items` when all are taken. Threads claim a few neighbouring items at
 * a time: if another program delays one, the others take its work. The results do not depend on which thread does what.
 */
export function nextOf(items: u32, threads: u32): u32 {
  while (claimed == claimedEnd) {
    const first = atomic.load<u32>(control, CLAIMED);
    if (first >= items) return items;
    // The number decreases, so that all end at about the same time.
    const few = threads == 1 ? min(MAX_ALONE, items - first) : max<u32>(1, (items - first) / (4 * threads));
    if (atomic.cmpxchg<u32>(control, first, first + few, CLAIMED) != first) continue;
    beat();
    claimed = first;
    claimedEnd = first + few;
  }
  return claimed++;
}

/**
 * Returns true when all threads have called it, or false if they were told to stop. The owner takes changes of GENERATION and CLAIMED
 * as signs of life (src/host/silence.ts).
 */
export function meet(threads: i32): bool {
  const generation = atomic.load<i32>(control, GENERATION);
  // The order matters: whoever stops the threads changes STOP first and GENERATION after it.
  if (atomic.load<i32>(control, STOP) != 0) return false;
  beat();
  if (atomic.add<i32>(control, 1, ARRIVED) == threads - 1) {
    atomic.store<i32>(control, 0, CLAIMED);
    atomic.store<i32>(control, 0, ARRIVED);
    atomic.add<i32>(control, 1, GENERATION);
    if (threads > 1) wake(control + GENERATION);
  } else {
    for (let i = 0; i < checks && atomic.load<i32>(control, GENERATION) == generation; i++) {}
    if (atomic.load<i32>(control, GENERATION) != generation) checks = min(MAX_CHECKS, 2 * checks);
    else {
      checks = max(MIN_CHECKS, checks / 2);
      do sleep(control + GENERATION, generation);
      while (atomic.load<i32>(control, GENERATION) == generation);
    }
  }
  return atomic.load<i32>(control, STOP) == 0;
}
