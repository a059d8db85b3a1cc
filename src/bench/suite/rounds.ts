// Measures several subjects in rounds. Each round measures all of them once, in a random order, so that a device that becomes
// slower, or is busy with something else from time to time, affects all subjects alike.

import { Random, shuffled } from "../../random.ts";
import { type Timing, timingOf } from "../rates/timing.ts";
import type { Subject } from "./subject.ts";

export interface RoundsOptions {
  rounds: number;
  /**
   * Returns how often something has disturbed the measurements so far: a hidden page, a lost device. A round in which this number
   * increases is discarded and repeated.
   */
  disturbances?: () => number;
  /** Waits until nothing disturbs the measurements any more. */
  undisturbed?: () => Promise<void>;
  onTake?: (subject: Subject, round: number) => void | Promise<void>;
  onRound?: (done: RoundsSummary, times: ReadonlyMap<Subject, readonly number[]>) => void;
}

/** Statistics of the rounds. */
export interface RoundsSummary {
  rounds: number;
  /** The number of discarded rounds. */
  void: number;
  /** The time of the last third of the rounds divided by that of the first third: above 1 if the device has become slower. */
  slowdown?: number;
}

/** A device with at least this slowdown is reported as throttled. */
export const THROTTLED = 1.03;

/** The rounds end early when the discarded ones outnumber the valid ones by this many. */
const PATIENCE = 10;

/**
 * Measures all subjects `rounds` times. The measurement of a subject that has become impossible is NaN, which statistics leave out.
 * An error of a subject ends the rounds and is thrown; `onRound` has received what was measured before.
 */
export async function measureRounds(subjects: readonly Subject[], options: RoundsOptions) {
  const { disturbances = () => 0, undisturbed = async () => {}, onTake, onRound } = options;
  const random = new Random(options.rounds, "rounds");
  const times = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  let [round, thrownAway] = [0, 0];
  const summary = (): RoundsSummary => ({ rounds: round, void: thrownAway, slowdown: slowdownOf([...times.values()]) });
  while (round < options.rounds && thrownAway < round + PATIENCE) {
    await undisturbed();
    const before = disturbances();
    const taken: [Subject, number][] = [];
    for (const subject of shuffled([...subjects], random)) {
      await onTake?.(subject, round);
      taken.push([subject, await subject.take()]);
    }
    if (disturbances() > before) {
      thrownAway++;
      continue;
    }
    for (const [subject, time] of taken) if (!Number.isNaN(time)) times.get(subject)!.push(time);
    round++;
    onRound?.(summary(), times);
  }
  return { times, summary: summary() };
}

/** Returns the median, over all series, of the last third's time divided by the first third's; undefined for fewer than 6 rounds. */
export function slowdownOf(series: readonly (readonly number[])[]): number | undefined {
  const ratios = series.flatMap((times) => {
    const third = Math.floor(times.length / 3);
    return third < 2 ? [] : [timingOf(times.slice(-third)).median / timingOf(times.slice(0, third)).median];
  });
  return ratios.length === 0 ? undefined : timingOf(ratios).median;
}

const RESAMPLES = 1000;

/** Returns statistics of times that were measured in rounds. The median's interval is by bootstrap, from a fixed seed. */
export function timingOfRounds(times: readonly number[]): Timing {
  const random = new Random(times.length, "bootstrap");
  const medians = Float64Array.from({ length: RESAMPLES }, () => {
    const sample = times.map(() => times[Math.floor(random.uniform() * times.length)]);
    return timingOf(sample).median;
  }).sort();
  const at = (share: number) => medians[Math.round(share * (RESAMPLES - 1))];
  return { ...timingOf(times), interval: { low: at(0.025), high: at(0.975) } };
}
