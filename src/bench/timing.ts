// Repeats measurements of time and summarises them.

import type { Device } from "../backends/device.ts";

/** Statistics of the repetitions, in milliseconds. */
export interface Timing {
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
  best: number;
  repetitions: number;
  /** The median's 95 % interval by bootstrap, where it was measured in rounds. */
  interval?: { low: number; high: number };
}

/** How often to measure. */
export interface Repeats {
  /** Repetitions. Default: as many as fit into `seconds`, at least 1 and at most 100. */
  repeat?: number;
  seconds: number;
}

/** The milliseconds until `work` is done. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Times work that is done when its promise resolves, after a first run that does not count. */
export async function timeOnHost(work: () => unknown, repeats: Repeats): Promise<Timing> {
  await work();
  return repeated(() => timed(work), repeats);
}

/** The work between two waits takes at least this many times as long as a wait for an idle device. */
const WAITS = 40;
/** But no longer than this, in milliseconds: waits of some browsers take a tenth of a second. */
const LONGEST = 1000;
/** What is timed takes at least this many times as long as the smallest step of the clock. */
export const QUANTA = 50;
const MAX_TOGETHER = 1024;
const MAX_REPETITIONS = 100;

/**
 * Times work that is submitted to a device, after a first run that does not count. Hosts poll only now and then whether a GPU is
 * done, Deno every 10 ms: short work runs many times between two waits, at most `together` times.
 */
export async function timeOnDevice(
  device: Device,
  work: () => unknown,
  { together: max = MAX_TOGETHER, ...repeats }: Repeats & { together?: number },
): Promise<Timing> {
  return repeated((await calibrateOnDevice(device, work, max)).take, repeats);
}

/** Measures the milliseconds of work once. */
export type Take = () => Promise<number>;

export interface Calibrated {
  take: Take;
  /** Milliseconds of the work by the last measurement before. */
  expected: number;
  /** Milliseconds that a measurement takes. */
  span: number;
}

/** Finds how often work has to run between two waits for the device, at most `max` times, and returns what measures it. */
export async function calibrateOnDevice(device: Device, work: () => unknown, max = MAX_TOGETHER): Promise<Calibrated> {
  await device.finished();
  const waiting = await timed(() => device.finished());
  return calibrate(work, { wait: () => device.finished(), least: Math.min(WAITS * waiting, LONGEST), max });
}

/** Finds how often work that is done when its promise resolves has to run for the clock, and returns what measures it. */
export const calibrateOnHost = (work: () => unknown): Promise<Calibrated> =>
  calibrate(work, { wait: () => {}, least: QUANTA * clockQuantum(), max: MAX_TOGETHER });

async function calibrate(
  work: () => unknown,
  { wait, least, max }: { wait: () => unknown; least: number; max: number },
): Promise<Calibrated> {
  let together = 1;
  const take = async () => {
    const time = await timed(async () => {
      for (let i = 0; i < together; i++) await work();
      await wait();
    });
    return time / together;
  };
  let expected = await take();
  while (expected * together < least && 2 * together <= max) {
    together *= 2;
    expected = await take();
  }
  return { take, expected, span: expected * together };
}

/** The smallest step of this host's clock in milliseconds: browsers round it, the more so where a page is not isolated. */
export function clockQuantum(): number {
  const start = performance.now();
  let [before, smallest] = [start, Number.POSITIVE_INFINITY];
  while (before - start < 10) {
    const now = performance.now();
    if (now > before) smallest = Math.min(smallest, now - before);
    before = now;
  }
  return smallest;
}

/** Takes measurements one after the other, and summarises them. */
export async function repeated(take: Take, { repeat, seconds }: Repeats): Promise<Timing> {
  const start = performance.now();
  const times: number[] = [];
  const fits = () => (performance.now() - start) * (1 + 1 / times.length) < seconds * 1000;
  const more = () => (repeat === undefined ? times.length < MAX_REPETITIONS && fits() : times.length < repeat);
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
