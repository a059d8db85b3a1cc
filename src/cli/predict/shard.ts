// Shards: the files divided among several jobs, such as those of a job array on a cluster.

import { UsageError } from "../command.ts";

export interface Shard {
  /** From 1 to `count`. */
  index: number;
  count: number;
}

/** Parses a shard: "2/8" is the second of eight jobs. @throws UsageError */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (!(index >= 1 && index <= count)) {
    throw new UsageError(`--shard is "${text}", expected I/N: the I-th of N jobs, counted from 1, as 1/8`);
  }
  return { index, count };
}

/** Every count-th item: jobs that see the same items in the same order divide all of them evenly. */
export function takeShard<T>(items: readonly T[], { index, count }: Shard): T[] {
  return items.filter((_, i) => i % count === index - 1);
}
