// Statistics of the training split, which are computed once, sample by sample, and kept with the model.

import { ConfigError } from "../../errors.ts";
import type { FolderConfig, Normalisation } from "./config.ts";
import { namesOf } from "./missing.ts";
import { type Columns, counted, type FieldSample } from "./sample.ts";

/** Statistics of each column. */
export interface ColumnStatistics {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly least: readonly number[];
  readonly most: readonly number[];
  /** The number of points in each class, for classes. */
  readonly counts?: readonly number[];
  /** The number of values that are missing, and left out of all else, if there are any. */
  readonly missing?: number;
}

/** Statistics of the fields by their names. They are plain data, because they are stored as JSON. */
export interface Statistics {
  readonly samples: number;
  readonly points: number;
  readonly dimensions: 2 | 3;
  readonly positions: ColumnStatistics;
  readonly inputs: Readonly<Record<string, ColumnStatistics>>;
  readonly targets: Readonly<Record<string, ColumnStatistics>>;
  readonly globals: Readonly<Record<string, ColumnStatistics>>;
  /** The change of the targets from one frame to the next, for sequences. */
  readonly changes?: Readonly<Record<string, ColumnStatistics>>;
}

/** Computes mean and deviation of columns whose rows arrive in parts (Chan, Golub and LeVeque 1979). NaN stands for a missing value. */
export class RunningStatistics {
  #rows = 0;
  /** How many values of each column are not missing. */
  #known: number[] = [];
  #mean: number[] = [];
  /** Sums of squared deviations from the mean. */
  #squares: number[] = [];
  #least: number[] = [];
  #most: number[] = [];
  #counts: number[] | undefined;

  /** @param classes the number of classes, if the values are classes */
  constructor(readonly classes?: number) {
    if (classes !== undefined) this.#counts = new Array<number>(classes).fill(0);
  }

  add({ data, width }: Columns): void {
    if (data.length === 0) return;
    if (this.#rows === 0) {
      this.#known = new Array<number>(width).fill(0);
      this.#mean = new Array<number>(width).fill(0);
      this.#squares = new Array<number>(width).fill(0);
      this.#least = new Array<number>(width).fill(Number.POSITIVE_INFINITY);
      this.#most = new Array<number>(width).fill(Number.NEGATIVE_INFINITY);
    }
    const rows = data.length / width;
    for (let column = 0; column < width; column++) {
      let [sum, known] = [0, 0];
      for (let i = column; i < data.length; i += width) {
        if (Number.isNaN(data[i])) continue;
        known++;
        sum += data[i];
        if (data[i] < this.#least[column]) this.#least[column] = data[i];
        if (data[i] > this.#most[column]) this.#most[column] = data[i];
      }
      if (known === 0) continue;
      const mean = sum / known;
      let squares = 0;
      for (let i = column; i < data.length; i += width) if (!Number.isNaN(data[i])) squares += (data[i] - mean) ** 2;
      const apart = mean - this.#mean[column];
      const before = this.#known[column];
      const total = before + known;
      this.#mean[column] += (apart * known) / total;
      this.#squares[column] += squares + (apart * apart * before * known) / total;
      this.#known[column] = total;
    }
    for (const value of this.#counts ? data : []) this.#counts![value]++;
    this.#rows += rows;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The first column of which no value is known; -1 if all have some. */
  get emptyColumn(): number {
    return this.#known.indexOf(0);
  }

  get result(): ColumnStatistics {
    // Rounding would give a constant column a tiny deviation, and a division by it makes other values of later files huge.
    const isConstant = (column: number) => this.#least[column] === this.#most[column];
    const missing = this.#known.reduce((sum, known) => sum + this.#rows - known, 0);
    return {
      mean: this.#mean.map((mean, column) => (isConstant(column) ? this.#least[column] : mean)),
      deviation: this.#squares.map((sum, column) => (isConstant(column) ? 0 : Math.sqrt(sum / this.#known[column]))),
      least: this.#least,
      most: this.#most,
      ...(this.#counts && { counts: this.#counts }),
      ...(missing > 0 && { missing }),
    };
  }
}

/** A sample, with the next frame if samples are frames of sequences. */
export interface Pair {
  readonly sample: FieldSample;
  readonly next?: FieldSample;
  /** The frames before the sample, each a step before the next, from the latest on, if the model sees such. */
  readonly earlier?: readonly FieldSample[];
}

/** The largest relative errors of rounding to float32 and to float64. */
const [FLOAT32_ROUNDING, FLOAT64_ROUNDING] = [2 ** -24, 2 ** -53];

/**
 * Computes statistics over samples, one after the other.
 * @throws the error of reading a sample; ConfigError for classes of which no label counts, and for a target of which no value is measured
 */
export async function computeStatistics(
  pairs: AsyncIterable<Pair>,
  { inputs, targets, globals, sequence }: FolderConfig,
): Promise<Statistics> {
  const positions = new RunningStatistics();
  const of = (fields: FolderConfig["inputs"]) => fields.map(({ classes }) => new RunningStatistics(classes));
  const [ofInputs, ofTargets, ofGlobals, ofChanges] = [of(inputs), of(targets), of(globals), of(targets)];
  let [samples, dimensions, precision] = [0, 3, FLOAT32_ROUNDING];
  for await (const { sample, next } of pairs) {
    samples++;
    dimensions = sample.dimensions;
    positions.add({ data: sample.positions, width: dimensions });
    ofInputs.forEach((statistics, i) => statistics.add(counted(sample.inputs[i], inputs[i])));
    ofGlobals.forEach((statistics, i) => statistics.add(counted(sample.globals[i], globals[i])));
    ofTargets.forEach((statistics, i) => {
      const target = sample.targets[i] as Columns;
      statistics.add(counted(target, targets[i]));
      if (!next) return;
      const after = next.targets[i] as Columns;
      ofChanges[i].add(changeOf(target, after));
      if ([target, after].some(({ data }) => data instanceof Float64Array)) precision = FLOAT64_ROUNDING;
    });
  }
  if (samples > 0) {
    expectLabels("inputs", inputs, ofInputs);
    expectLabels("targets", targets, ofTargets);
    expectLabels("globals", globals, ofGlobals);
    expectMeasured(targets, ofTargets, "value");
    if (sequence) expectMeasured(targets, ofChanges, "change");
  }
  const byName = (fields: FolderConfig["inputs"], statistics: readonly RunningStatistics[]) =>
    Object.fromEntries(fields.map(({ name }, i) => [name, statistics[i].result]));
  return {
    samples,
    points: positions.rows,
    dimensions: dimensions as 2 | 3,
    positions: positions.result,
    inputs: byName(inputs, ofInputs),
    targets: byName(targets, ofTargets),
    globals: byName(globals, ofGlobals),
    ...(sequence && {
      changes: Object.fromEntries(
        targets.map(({ name }, i) => [name, withoutRounding(ofChanges[i].result, ofTargets[i].result, precision)]),
      ),
    }),
  };
}

function expectLabels(kind: string, fields: FolderConfig["inputs"], statistics: readonly RunningStatistics[]): void {
  const unlabelled = fields.find(({ ignore }, i) => ignore.length > 0 && statistics[i].rows === 0);
  if (!unlabelled) return;
  const { name, ignore } = unlabelled;
  const problem = `no label of "${name}" in the training split counts: all are ${ignore.join(" or ")}`;
  throw new ConfigError(problem, { field: `${kind}.${name}.ignore` });
}

/** @param what the statistics are of: a change is known between two frames that both have the value */
function expectMeasured(
  targets: FolderConfig["targets"],
  statistics: readonly RunningStatistics[],
  what: "value" | "change",
): void {
  for (const [i, { name, missing }] of targets.entries()) {
    const column = missing ? statistics[i].emptyColumn : -1;
    if (column < 0 || !missing) continue;
    const component = statistics[i].result.mean.length > 1 ? `component ${column} of ` : "";
    const where = what === "value" ? `all are ${namesOf(missing)}` : "in no two frames that follow each other";
    const problem = `no ${what} of ${component}"${name}" in the training split is measured: ${where}`;
    throw new ConfigError(problem, { field: `targets.${name}.missing` });
  }
}

/**
 * Makes those columns of changes constant that differ by no more than the rounding of the values before and after: a field that
 * grows by the same amount in each step. Otherwise their tiny deviation would make losses of rounding errors alone.
 */
function withoutRounding(changes: ColumnStatistics, before: ColumnStatistics, precision: number): ColumnStatistics {
  const largest = ({ least, most }: ColumnStatistics, column: number) =>
    Math.max(Math.abs(least[column]), Math.abs(most[column]));
  const isConstant = changes.least.map((least, column) => {
    const rounded = largest(before, column) + largest(changes, column);
    return changes.most[column] - least <= 4 * precision * rounded;
  });
  const where = (values: readonly number[], constants: readonly number[]) =>
    values.map((value, column) => (isConstant[column] ? constants[column] : value));
  const { mean, deviation, least, most } = changes;
  return {
    ...changes,
    deviation: where(
      deviation,
      mean.map(() => 0),
    ),
    least: where(least, mean),
    most: where(most, mean),
  };
}

export function changeOf({ data, width }: Columns, next: Columns): Columns {
  return { data: Float64Array.from(data, (value, i) => next.data[i] - value), width };
}

/** The scaling of each column: normalised = (value - shift) / scale. */
export interface Scaling {
  readonly shift: readonly number[];
  readonly scale: readonly number[];
}

/** Returns the scaling for a normalisation. A constant column is only shifted. */
export function scalingOf({ mean, deviation, least, most }: ColumnStatistics, normalise: Normalisation): Scaling {
  const sound = (scale: number) => (scale > 0 ? scale : 1);
  if (normalise === "none") return { shift: mean.map(() => 0), scale: mean.map(() => 1) };
  if (normalise === "standard") return { shift: mean, scale: deviation.map(sound) };
  return {
    shift: least.map((low, column) => (low + most[column]) / 2),
    scale: least.map((low, column) => sound((most[column] - low) / 2)),
  };
}

/** Returns the scaling of positions: all coordinates are divided by the same number, which preserves proportions. */
export function positionScaling({ mean, deviation }: ColumnStatistics, normalise: FolderConfig["positions"]): Scaling {
  if (normalise === "none") return { shift: mean.map(() => 0), scale: mean.map(() => 1) };
  const one = Math.sqrt(deviation.reduce((sum, value) => sum + value * value, 0) / deviation.length) || 1;
  return { shift: mean, scale: mean.map(() => one) };
}

/** Writes normalised columns into rows of `stride` elements, from the element `first` of each row on. */
export function normaliseInto(
  into: Float32Array,
  { first, stride }: { first: number; stride: number },
  { data, width }: Columns,
  { shift, scale }: Scaling,
): void {
  const rows = data.length / width;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      into[row * stride + first + column] = (data[row * width + column] - shift[column]) / scale[column];
    }
  }
}

/** Inverts the normalisation of columns in rows of `stride` elements: [rows, width]. */
export function restore(
  from: ArrayLike<number>,
  { first, stride }: { first: number; stride: number },
  { shift, scale }: Scaling,
): Float64Array {
  const width = shift.length;
  const rows = from.length / stride;
  const values = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      values[row * width + column] = from[row * stride + first + column] * scale[column] + shift[column];
    }
  }
  return values;
}
