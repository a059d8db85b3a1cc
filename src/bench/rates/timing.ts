// Repeats measurements of time and summarises them.

import type { Device } from "../../backends/device.ts";

/** Statistics of the repetitions, in milliseconds. */
export interface Timing {
  median: number;
  /** The first and the third quartile. */
  low: number;
  high: number;
  best: number;
  repetitions: number;
  /** The median's 95 % interval by bootstrap, if the times were measured in rounds. */
  interval?: { low: number; high: number };
}

/** How often a measurement is repeated. */
export interface Repeats {
  /** Repetitions. Default: as many as fit into `seconds`, at least 1 and at most 100. */
  repeat?: number;
  seconds: number;
}

/** Returns the milliseconds until `work` is done. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Times work that is done when its promise resolves, after a warm-up run. */
export async function timeOnHost(work: () => unknown, repeats: Repeats): Promise<Timing> {
  await work();
  return repeated(() => timed(work), repeats);
}

/** The work between two waits for the device should take at least this many times as long as a wait for an idle device. */
const WAITS = 40;
/** The longest time between two waits, in milliseconds: in some browsers a wait takes a tenth of a second. */
const MAX_WAIT = 1000;
/** A measurement takes at least this many times as long as the smallest step of the clock. */
export const QUANTA = 50;
const MAX_TOGETHER = 1024;
const MAX_REPETITIONS = 100;

/**
 * Times work that is submitted to a device, after a warm-up run. Hosts poll only from time to time whether a GPU has finished (Deno
 * every 10 ms), so short work runs several times between two waits, at most `together` times.
 */
export async function timeOnDevice(
  device: Device,
  work: () => unknown,
  { together: max = MAX_TOGETHER, ...repeats }: Repeats & { together?: number },
): Promise<Timing> {
  return repeated((await calibrateOnDevice(device, work, max)).take, repeats);
}

/** Takes one measurement and returns the milliseconds of the work. */
export type Take = () => Promise<number>;

export interface Calibrated {
  take: Take;
  /** The milliseconds of the work by the last calibration. */
  expected: number;
  /** The milliseconds that a measurement takes. */
  span: number;
}

/** Finds how often work has to run between two waits for the device, at most `max` times, and returns a function that measures it. */
export async function calibrateOnDevice(device: Device, work: () => unknown, max = MAX_TOGETHER): Promise<Calibrated> {
  await device.finished();
  const waiting = await timed(() => device.finished());
  return calibrate(work, { wait: () => device.finished(), least: Math.min(WAITS * waiting, MAX_WAIT), max });
}

/** Finds how often work that is done when its promise resolves has to run per measurement, and returns a function that measures it. */
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

/** Returns the smallest step of this host's clock in milliseconds. Browsers round it, and more so on pages that are not isolated. */
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

/** Repeats a measurement and returns its statistics. */
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
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))];
  return { median: at(0.5), low: at(0.25), high: at(0.75), best: sorted[0], repetitions: sorted.length };
}

export const formatTiming = ({ median, low, high }: Timing): string =>
  `${median.toFixed(2)} ms (${low.toFixed(2)}-${high.toFixed(2)})`;
