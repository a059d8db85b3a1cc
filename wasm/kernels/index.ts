// The CPU backend's kernels: runs a list of commands (commands.ts). Every thread calls `run` on the same list, takes its
// share of each command, and meets the others before the next.
import { execute } from "../out/dispatch";
import { now } from "./host";
import { meet, useControl } from "./threads";

/**
 * Runs `count` commands of `size` bytes each. False where the threads were told to stop on the way. Unless `times` is 0, the
 * milliseconds each command took until all threads had met after it are written there, f32.
 */
export function run(list: usize, count: u32, size: u32, thread: u32, threads: u32, control: usize, times: usize): bool {
  useControl(control);
  const clocked = times != 0 && thread == 0;
  let before = clocked ? now() : 0;
  for (let i: u32 = 0; i < count; i++, list += size) {
    execute(list, thread, threads);
    if (!meet(threads)) return false;
    if (!clocked) continue;
    const after = now();
    store<f32>(times + ((<usize>i) << 2), <f32>(after - before));
    before = after;
  }
  return true;
}
