// Skips samples whose files are damaged, so that they do not end the run.

import { FormatError } from "../errors.ts";
import { Random } from "../random.ts";
import { type BadSample, type OnBad, type Split, type SplitName, splitNames } from "./experiment.ts";

/** Adds a sample to a list unless it is there, in the order of splits and names: which one is found first depends on reads and workers. */
export function addBad(list: BadSample[], { split, sample, problem }: BadSample): void {
  if (list.some((known) => known.split === split && known.sample === sample)) return;
  list.push({ split, sample, problem });
  const place = (bad: BadSample) => splitNames.indexOf(bad.split);
  list.sort((a, b) => place(a) - place(b) || (a.sample < b.sample ? -1 : 1));
}

/**
 * Returns a split for training in which the next sample that is not damaged takes the place of a damaged one. The order of samples
 * does not depend on when the damage is found, so a resumed run is the same as one that was not interrupted.
 * @param onBad receives each damaged sample once
 */
export function replacingBad<Sample>(data: Split<Sample>, onBad: OnBad): Split<Sample> {
  const known = new Set<number>();
  return {
    ...data,
    async load(index, random, epoch) {
      let problem: unknown;
      for (let tried = 0; tried < data.size; tried++) {
        const at = (index + tried) % data.size;
        try {
          return await data.load(at, random, epoch);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          problem ??= error;
          if (!known.has(at)) onBad({ split: "train", sample: data.nameOf(at), problem: error.message });
          known.add(at);
        }
      }
      throw problem;
    },
  };
}

/**
 * Returns a split for evaluation without its damaged samples, which are found by reading all samples once.
 * @returns undefined if none is left
 */
export async function withoutBad<Sample>(
  data: Split<Sample>,
  split: SplitName,
  onBad: OnBad,
): Promise<Split<Sample> | undefined> {
  const sound: number[] = [];
  for (let index = 0; index < data.size; index++) {
    try {
      await data.load(index, new Random(0, `check, sample ${index}`));
      sound.push(index);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      onBad({ split, sample: data.nameOf(index), problem: error.message });
    }
  }
  if (sound.length === 0) return undefined;
  return {
    ...data,
    size: sound.length,
    load: (index, random, epoch) => data.load(sound[index], random, epoch),
    nameOf: (index) => data.nameOf(sound[index]),
  };
}
