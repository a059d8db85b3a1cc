// Augments training samples: random rotations, and noise on the inputs.

import type { Random } from "../../random.ts";
import type { FieldCloud } from "./cloud.ts";
import { type Augmentation, type Field, type FolderConfig, isPositions } from "./config.ts";
import type { FileNumbers } from "./file-numbers.ts";
import type { Layout } from "./layout.ts";
import type { Columns, FieldSample } from "./sample.ts";
import type { Pair } from "./statistics.ts";

/** A rotation of row vectors by a matrix [D, D]: p R. */
type Turn = readonly (readonly number[])[];

/** Rotates a sample, its next frame and those before it by the same random rotation. Vector fields rotate with their points. */
export function turned(pair: Pair, config: FolderConfig, random: Random): Pair {
  const { rotation } = config.augmentation;
  if (rotation === "none") return pair;
  const turn = randomTurn(rotation, pair.sample.dimensions, random);
  const apply = (sample: FieldSample) => turnSample(sample, turn, config);
  const { sample, next, earlier } = pair;
  return { sample: apply(sample), ...(next && { next: apply(next) }), ...(earlier && { earlier: earlier.map(apply) }) };
}

function turnSample(sample: FieldSample, turn: Turn, { inputs, targets, globals }: FolderConfig): FieldSample {
  const { dimensions } = sample;
  // In mesh files, vectors of two-dimensional data have a third component.
  const isVector = ({ vector, classes }: Field, { width }: Columns) =>
    (width === dimensions || (width === 3 && dimensions === 2)) && classes === undefined && (vector ?? true);
  const turnFields = <Kind extends Columns | undefined>(columns: readonly Kind[], fields: readonly Field[]): Kind[] =>
    columns.map((column, i) =>
      column && isVector(fields[i], column) ? { ...column, data: multiply(column.data, turn, column.width) } : column,
    );
  return {
    ...sample,
    positions: multiply(sample.positions, turn),
    inputs: turnFields(sample.inputs, inputs),
    targets: turnFields(sample.targets, targets),
    globals: turnFields(sample.globals, globals),
  };
}

/** Multiplies row vectors by a matrix; further components of the rows stay. */
function multiply(rows: FileNumbers, turn: Turn, width = turn.length): FileNumbers {
  const size = turn.length;
  return Float64Array.from(rows, (value, i) => {
    const [row, column] = [i - (i % width), i % width];
    if (column >= size) return value;
    let sum = 0;
    for (let k = 0; k < size; k++) {
      // A component that is missing is in none that it does not turn into.
      if (turn[k][column] !== 0) sum += rows[row + k] * turn[k][column];
    }
    return sum;
  });
}

function randomTurn(about: Augmentation["rotation"], dimensions: number, random: Random): Turn {
  const angle = 2 * Math.PI * random.uniform();
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  if (dimensions === 2) {
    return [
      [c, s],
      [-s, c],
    ];
  }
  if (about === "all") return anyTurn(random);
  const axis = ["x", "y", "z"].indexOf(about);
  const [a, b] = [(axis + 1) % 3, (axis + 2) % 3];
  const turn = [0, 1, 2].map((row) => [0, 1, 2].map((column) => Number(row === column)));
  [turn[a][a], turn[a][b], turn[b][a], turn[b][b]] = [c, s, -s, c];
  return turn;
}

/** Draws a rotation uniformly from all rotations: by a quaternion of four normal numbers. */
function anyTurn(random: Random): Turn {
  const four = Array.from({ length: 4 }, () => random.normal());
  const length = Math.hypot(...four);
  const [w, x, y, z] = four.map((value) => value / length);
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  ];
}

/**
 * Adds noise to the inputs of each point, or to the state of a sequence, where the target becomes the change from the noisy state to
 * the true next frame, so that a model learns to correct its own errors (Sanchez-Gonzalez et al. 2020). With earlier frames, the noise
 * is a random walk from the first one on, as errors of predictions are: at the sample's frame it is as large as without these.
 * @param share the noise's deviation in units of each column's own, so a constant column gets none
 */
export function withNoise(cloud: FieldCloud, layout: Layout, share: number, random: Random): FieldCloud {
  if (share === 0) return cloud;
  const features = cloud.features.slice();
  const truth = cloud.truth?.slice();
  const positions = cloud.positions.slice();
  const noisy = layout.state.length > 0 ? layout.state : layout.inputs;
  for (const [i, { field, first, width, scaling, deviation }] of noisy.entries()) {
    if (field.classes !== undefined) continue;
    const moves = layout.state.length > 0 && isPositions(field);
    const before = layout.history.filter(({ target }) => target === i);
    const step = share / Math.sqrt(before.length + 1);
    for (let row = 0; row < cloud.points; row++) {
      for (let column = 0; column < width; column++) {
        let noise = step * deviation[column] * random.normal();
        for (const place of before) {
          const more = step * deviation[column] * random.normal();
          noise += more;
          features[row * layout.features + place.first + column] +=
            (more * scaling.scale[column]) / place.scaling.scale[column];
        }
        features[row * layout.features + first + column] += noise;
        if (moves) positions[row * width + column] += (noise * scaling.scale[column]) / layout.positions.scale[column];
        if (!truth || layout.state.length === 0) continue;
        const target = layout.targets[i];
        truth[row * layout.truths + target.truth.first + column] -=
          (noise * scaling.scale[column]) / target.scaling.scale[column];
      }
    }
  }
  return { ...cloud, positions, features, ...(truth && { truth }) };
}
