// Repeated measurements and how they are told.

import type { Device } from "../backends/device.ts";

/** Milliseconds of one repetition. */
export interface Timing {
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
  best: number;
  repetitions: number;
}

/** How often something is measured. */
export interface Repeats {
  /** Repetitions. Default: as many as fit into the seconds, one at least and 100 at most. */
  repeat?: number;
  seconds: number;
}

/** Milliseconds until `work` is done. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Times work that ends with its promise, after a first time that does not count. */
export async function timeOnHost(work: () => unknown, repeats: Repeats): Promise<Timing> {
  await work();
  return repeated(() => timed(work), repeats);
}

/** What is timed takes at least so many times as long as waiting for an idle device. */
const WAITS = 40;
const MOST_TOGETHER = 1024;
const MOST_REPETITIONS = 100;

/**
 * Times work that is handed to a device, after a first time that does not count. Hosts look only now and then whether a GPU
 * is done, Deno every 10 ms: what is short is done many times over between two waits, `together` times at most.
 */
export async function timeOnDevice(
  device: Device,
  work: () => unknown,
  { together: most = MOST_TOGETHER, ...repeats }: Repeats & { together?: number },
): Promise<Timing> {
  await device.finished();
  const waiting = await timed(() => device.finished());
  let together = 1;
  const take = async () => {
    const time = await timed(async () => {
      for (let i = 0; i < together; i++) await work();
      await device.finished();
    });
    return time / together;
  };
  while ((await take()) * together < WAITS * waiting && 2 * together <= most) together *= 2;
  return repeated(take, repeats);
}

async function repeated(take: () => Promise<number>, { repeat, seconds }: Repeats): Promise<Timing> {
  const start = performance.now();
  const times: number[] = [];
  const fits = () => (performance.now() - start) * (1 + 1 / times.length) < seconds * 1000;
  const more = () => (repeat === undefined ? times.length < MOST_REPETITIONS && fits() : times.length < repeat);
  do times.push(await take());
  while (more());
  return timingOf(times);
}

export function timingOf(times: readonly number[]): Timing {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  return { median: at(0.5), low: at(0.25), high: at(0.75), best: sorted[0]!, repetitions: sorted.length };
}

export const formatTiming = ({ median, low, high }: Timing): string =>
  `${median.toFixed(2)} ms (${low.toFixed(2)}-${high.toFixed(2)})`;
