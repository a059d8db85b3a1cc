// The places of fields in the rows of the model's input, of its output, and of the truth.

import type { Field, FolderConfig, Target } from "./config.ts";
import { positionScaling, type Scaling, type Statistics, scalingOf } from "./statistics.ts";

/** Columns `first .. first + width` of each row. */
export interface Place {
  readonly first: number;
  readonly width: number;
}

export interface InputPlace extends Place {
  readonly field: Field;
  readonly scaling: Scaling;
  /** The deviation of each of the field's columns, normalised. */
  readonly deviation: readonly number[];
}

/** The change of a target from an earlier frame to the one a step after it. */
export interface HistoryPlace extends InputPlace {
  /** The target's place among the targets. */
  readonly target: number;
  /** How many steps before the model's frame it begins: 1 ends at that frame. */
  readonly back: number;
}

export interface TargetPlace {
  readonly target: Target;
  /** The number of values per point in the file. */
  readonly width: number;
  /** The scaling of the values; in a sequence, of their change from one frame to the next. */
  readonly scaling: Scaling;
  /** The place in the model's output: a logit per class, or means followed by raw deviations for Gaussians, or the values. */
  readonly output: Place;
  /** The place in the truth: for classes 1 for the right one, else 0; all 0 for labels that do not count. */
  readonly truth: Place;
  /** How much each class counts in the loss; undefined if all count the same, and all labels do. */
  readonly classWeights?: readonly number[];
}

export interface Layout {
  readonly dimensions: 2 | 3;
  readonly positions: Scaling;
  readonly inputs: readonly InputPlace[];
  readonly globals: readonly InputPlace[];
  /** The targets at the frame that the model sees, in sequences. */
  readonly state: readonly InputPlace[];
  /** The targets' changes before that frame, in sequences with a history: of all targets the latest, then those before. */
  readonly history: readonly HistoryPlace[];
  readonly targets: readonly TargetPlace[];
  /** The number of columns in each of the rows. */
  readonly features: number;
  readonly outputs: number;
  /** How many of the outputs, the last ones, are of the whole. */
  readonly wholes: number;
  readonly truths: number;
}

/** What the training split tells: its statistics, and the layout that follows from them. */
export interface Known {
  readonly statistics: Statistics;
  readonly layout: Layout;
}

/** The part of a config that the layout depends on: names, types and scalings. */
type Fields = Pick<FolderConfig, "inputs" | "targets" | "globals" | "sequence" | "positions">;

/** @param counts the points of each class in the training split */
function classWeightsOf({ ignore, classWeights }: Target, counts: readonly number[]): readonly number[] | undefined {
  if (classWeights !== "balanced") return classWeights ?? (ignore.length > 0 ? counts.map(() => 1) : undefined);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const present = counts.filter((count) => count > 0).length;
  // On the average over the points 1. Classes that only other splits have count as an average point does.
  return counts.map((count) => (count > 0 ? total / (present * count) : 1));
}

export function layOut({ inputs, targets, globals, sequence, positions }: Fields, statistics: Statistics): Layout {
  let features = 0;
  const input =
    (of: Statistics["inputs"]) =>
    (field: Field): InputPlace => {
      const { classes, name, normalise } = field;
      const width = classes ?? of[name].mean.length;
      const place = { first: features, width };
      features += width;
      const scaling = scalingOf(of[name], normalise);
      return { field, ...place, scaling, deviation: of[name].deviation.map((value, i) => value / scaling.scale[i]) };
    };
  let [outputs, truths] = [0, 0];
  const ofTargets = targets.map((target): TargetPlace => {
    const { classes, name, loss, normalise } = target;
    const width = statistics.targets[name].mean.length;
    const truth = { first: truths, width: classes ?? width };
    const output = { first: outputs, width: loss === "gaussian" ? 2 * width : truth.width };
    truths += truth.width;
    outputs += output.width;
    const numbers = (statistics.changes ?? statistics.targets)[name];
    const classWeights = classWeightsOf(target, statistics.targets[name].counts ?? []);
    return {
      target,
      width,
      scaling: scalingOf(numbers, normalise),
      output,
      truth,
      ...(classWeights && { classWeights }),
    };
  });
  const ofInputs = inputs.map(input(statistics.inputs));
  const ofGlobals = globals.map(input(statistics.globals));
  const state = sequence ? targets.map(input(statistics.targets)) : [];
  const history = Array.from({ length: sequence?.history ?? 0 }, (_, step) =>
    targets.map((field, target) => ({
      ...input(statistics.changes as Statistics["inputs"])(field),
      target,
      back: step + 1,
    })),
  ).flat();
  return {
    dimensions: statistics.dimensions,
    positions: positionScaling(statistics.positions, positions),
    inputs: ofInputs,
    globals: ofGlobals,
    state,
    history,
    targets: ofTargets,
    features,
    outputs,
    wholes: ofTargets.reduce((sum, { target, output }) => sum + (target.whole ? output.width : 0), 0),
    truths,
  };
}
