// Samples whose files are damaged, left out in place of ending the run.

import { FormatError } from "../errors.ts";
import { Random } from "../random.ts";
import type { OnBad, Split, SplitName } from "./experiment.ts";

/**
 * A split to train on, of which a damaged sample's place is taken by the next that is not: in which order samples come does not
 * depend on when the damage is met, so a run that goes on is the same as one that was not interrupted.
 * @param onBad hears of each damaged sample once
 */
export function replacingBad<Sample>(data: Split<Sample>, split: SplitName, onBad: OnBad): Split<Sample> {
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
          if (!known.has(at)) onBad({ split, sample: data.nameOf(at), problem: error.message });
          known.add(at);
        }
      }
      throw problem;
    },
  };
}

/**
 * A split to measure on, without its damaged samples: all are read once to find them.
 * @returns undefined where none is left
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
