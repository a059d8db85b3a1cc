// Where each field stands in the rows that the model sees, that it gives, and that it is compared with.

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
}

export interface TargetPlace {
  readonly target: Target;
  /** Numbers of each point in the file. */
  readonly width: number;
  /** What becomes of them: of a sequence, of their change from a frame to the next. */
  readonly scaling: Scaling;
  /** In the model's output: of classes a number each, of Gaussians the means and then what deviations are made of. */
  readonly output: Place;
  /** In what that is compared with: of classes 1 for the right one, else 0. */
  readonly truth: Place;
}

export interface Layout {
  readonly dimensions: 2 | 3;
  readonly positions: Scaling;
  readonly inputs: readonly InputPlace[];
  readonly globals: readonly InputPlace[];
  /** Of sequences: the targets at the frame that the model sees. */
  readonly state: readonly InputPlace[];
  readonly targets: readonly TargetPlace[];
  /** Numbers in a row of each. */
  readonly features: number;
  readonly outputs: number;
  readonly truths: number;
}

/** What is left of a config where only names, kinds and scales matter. */
type Fields = Pick<FolderConfig, "inputs" | "targets" | "globals" | "sequence" | "positions">;

export function layOut({ inputs, targets, globals, sequence, positions }: Fields, statistics: Statistics): Layout {
  let features = 0;
  const input =
    (of: Statistics["inputs"]) =>
    (field: Field): InputPlace => {
      const { classes, name, normalise } = field;
      const width = classes ?? of[name].mean.length;
      const place = { first: features, width };
      features += width;
      return { field, ...place, scaling: scalingOf(of[name], normalise) };
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
    return { target, width, scaling: scalingOf(numbers, normalise), output, truth };
  });
  return {
    dimensions: statistics.dimensions,
    positions: positionScaling(statistics.positions, positions),
    inputs: inputs.map(input(statistics.inputs)),
    globals: globals.map(input(statistics.globals)),
    state: sequence ? targets.map(input(statistics.targets)) : [],
    targets: ofTargets,
    features,
    outputs,
    truths,
  };
}
