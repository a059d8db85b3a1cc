// Measures several subjects in rounds: each round takes all of them once, in an order of its own, so that a device that gets
// slower while it works, or does something else now and then, does so to all of them alike.

import { Random } from "../random.ts";
import type { Subject } from "./subject.ts";
import { type Timing, timingOf } from "./timing.ts";

export interface RoundsOptions {
  rounds: number;
  /**
   * How often something has disturbed the measurements so far: a hidden page, a lost device. A round in which the number grows is
   * void and repeated.
   */
  disturbances?: () => number;
  /** Waits until nothing disturbs any more. */
  undisturbed?: () => Promise<void>;
  onTake?: (subject: Subject, round: number) => void | Promise<void>;
  onRound?: (done: RoundsSummary, times: ReadonlyMap<Subject, readonly number[]>) => void;
}

/** How the rounds went. */
export interface RoundsSummary {
  rounds: number;
  /** Rounds that were thrown away. */
  void: number;
  /** Time of the last third of the rounds over that of the first third: above 1 where the device has become slower. */
  slowdown?: number;
}

/** From this slowdown on a device is said to be throttled. */
export const THROTTLED = 1.03;

/** After this many void rounds more than there are valid ones the rest is given up. */
const PATIENCE = 10;

/**
 * Takes all subjects `rounds` times; one that can no longer be measured takes NaN, which is left out. A failure of a subject ends
 * the rounds and is thrown; `onRound` has had what was measured before.
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
    for (const subject of shuffled(subjects, random)) {
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

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The median over all series of how much longer their last third took than their first; undefined for fewer than 6 rounds. */
export function slowdownOf(series: readonly (readonly number[])[]): number | undefined {
  const ratios = series.flatMap((times) => {
    const third = Math.floor(times.length / 3);
    return third < 2 ? [] : [timingOf(times.slice(-third)).median / timingOf(times.slice(0, third)).median];
  });
  return ratios.length === 0 ? undefined : timingOf(ratios).median;
}

const RESAMPLES = 1000;

/** The statistics of times that were taken in rounds, with the median's interval by bootstrap: the same times, the same interval. */
export function timingOfRounds(times: readonly number[]): Timing {
  const random = new Random(times.length, "bootstrap");
  const medians = Float64Array.from({ length: RESAMPLES }, () => {
    const sample = times.map(() => times[Math.floor(random.uniform() * times.length)]!);
    return timingOf(sample).median;
  }).sort();
  const at = (share: number) => medians[Math.round(share * (RESAMPLES - 1))]!;
  return { ...timingOf(times), interval: { low: at(0.025), high: at(0.975) } };
}
