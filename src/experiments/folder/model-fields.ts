// The fields that a trained model sees and predicts, with what its config and its training data say of them.

import { type Field, isPositions, POSITIONS } from "./config.ts";
import type { FolderExperiment } from "./experiment.ts";
import type { Label } from "./labels.ts";
import type { ColumnStatistics } from "./statistics.ts";

/** A field that a surrogate sees or predicts. */
export interface SurrogateField {
  /** The name in the config. */
  readonly name: string;
  /** The number of values in a row. */
  readonly channels: number;
  /** Whether there is one row for the whole sample, and not one for each point. */
  readonly isWhole: boolean;
  /** The labels of its classes, if it has such; without labels they are counted from 0. */
  readonly classes?: readonly Label[];
  /** The smallest and the largest value in the training data, of each channel. */
  readonly range?: { readonly least: readonly number[]; readonly most: readonly number[] };
}

/** Returns what a model sees: positions, inputs, globals, and in a sequence the targets of the frame. */
export function inputsOf(experiment: FolderExperiment): SurrogateField[] {
  const { statistics, layout, described } = experiment;
  const { inputs, targets } = statistics;
  const positions = {
    name: POSITIONS,
    channels: layout.dimensions,
    isWhole: false,
    range: rangeOf(statistics.positions),
  };
  return [
    positions,
    ...described.inputs.map((field) => fieldOf(field, inputs[field.name], false)),
    ...globalsOf(experiment),
    ...layout.state
      .filter(({ field }) => !isPositions(field))
      .map(({ field }) => fieldOf(field, targets[field.name], false)),
  ];
}

/** Returns the values of the whole sample that a model sees. */
export const globalsOf = ({ statistics, described }: FolderExperiment): SurrogateField[] =>
  described.globals.map((field) => fieldOf(field, statistics.globals[field.name], true));

/** Returns what a model predicts. */
export const targetsOf = ({ statistics, described }: FolderExperiment): SurrogateField[] =>
  described.targets.map((target) => fieldOf(target, statistics.targets[target.name], target.whole));

const rangeOf = ({ least, most }: ColumnStatistics) => ({ least, most });

function fieldOf({ name, classes, labels }: Field, statistics: ColumnStatistics, isWhole: boolean): SurrogateField {
  if (classes === undefined) return { name, channels: statistics.mean.length, isWhole, range: rangeOf(statistics) };
  return {
    name,
    channels: 1,
    isWhole,
    classes: labels?.slice(0, classes) ?? Array.from({ length: classes }, (_, k) => k),
  };
}
