// A sample in the form that the model takes: normalised, with all inputs of a point in one row, and all its targets in another.

import { FormatError } from "../../errors.ts";
import type { FolderConfig } from "./config.ts";
import type { Layout, Place } from "./layout.ts";
import type { Columns, FieldSample } from "./sample.ts";
import { changeOf, normaliseInto, type Pair, type Scaling } from "./statistics.ts";

/** A sample as the model sees it: standardised. */
export interface FieldCloud {
  readonly points: number;
  /** [points, dimensions] */
  readonly positions: Float32Array;
  /** [points, features]; globals are repeated in each row; 0 where a value of a sequence's frame is missing. */
  readonly features: Float32Array;
  /** [points, truths]; NaN where a value is missing; values of the whole are repeated in each row; undefined if the file has no truth. */
  readonly truth?: Float32Array;
  /** [2 E] the edges of the mesh. */
  readonly edges?: Int32Array;
  /** The sample that this was made from. */
  readonly pair: Pair;
  /** The place in a sequence: the sequence's number in the split, and the frame's number in the sequence. */
  readonly sequence?: { readonly index: number; readonly frame: number };
}

/**
 * @throws FormatError if a field does not have as many components as in the training split, or the next frame has other points
 */
export function cloudOf(pair: Pair, layout: Layout): FieldCloud {
  const { sample, next } = pair;
  const { points, dimensions, edges, file } = sample;
  expectDimensions(sample, layout.dimensions);
  expectSamePoints(pair);
  const positions = new Float32Array(points * dimensions);
  normaliseInto(
    positions,
    { first: 0, stride: dimensions },
    { data: sample.positions, width: dimensions },
    layout.positions,
  );
  const features = new Float32Array(points * layout.features);
  const { inputs, globals, state, history } = layout;
  const put = ({ field, first, width, scaling }: Layout["inputs"][number], columns: Columns) => {
    const place = { first, stride: layout.features };
    if (field.classes !== undefined) return oneHotInto(features, place, columns, field.ignore);
    expectWidth(columns, width, field.name, file);
    normaliseInto(features, place, withoutGaps(columns, scaling), scaling);
  };
  for (const [i, place] of inputs.entries()) put(place, sample.inputs[i]);
  for (const [i, place] of globals.entries()) put(place, repeated(sample.globals[i], points));
  for (const [i, place] of state.entries()) put(place, expectTarget(sample, i, place.field.name));
  const frames = [sample, ...expectEarlier(pair, layout)];
  for (const { target, back, ...place } of history) {
    const [before, after] = [frames[back], frames[back - 1]].map((frame) =>
      expectTarget(frame, target, place.field.name),
    );
    put(place, changeOf(before, after));
  }
  const truth = truthOf(pair, layout, next ?? sample);
  return { points, positions, features, pair, ...(truth && { truth }), ...(edges && { edges }) };
}

/** Returns values with those that normalise to 0 in place of what is missing, which only the targets of a sequence's frames may be. */
const withoutGaps = ({ data, width }: Columns, { shift }: Scaling): Columns =>
  data.some(Number.isNaN)
    ? { data: Float64Array.from(data, (value, i) => (Number.isNaN(value) ? shift[i % width] : value)), width }
    : { data, width };

/** Returns the truth that the model's output is compared with; undefined if a target is missing. */
function truthOf(
  { sample, next }: Pair,
  { targets, truths, state }: Layout,
  known: FieldSample,
): Float32Array | undefined {
  const isSequence = state.length > 0;
  if ((isSequence && !next) || known.targets.includes(undefined)) return undefined;
  const truth = new Float32Array(sample.points * truths);
  for (const [i, { target, width, scaling, truth: place }] of targets.entries()) {
    const found = known.targets[i] as Columns;
    const columns = target.whole ? repeated(found, sample.points) : found;
    expectWidth(columns, width, target.name, known.file);
    const stands = { first: place.first, stride: truths };
    if (target.classes !== undefined) oneHotInto(truth, stands, columns, target.ignore);
    else if (isSequence) normaliseInto(truth, stands, changeOf(sample.targets[i] as Columns, columns), scaling);
    else normaliseInto(truth, stands, columns, scaling);
    if (target.loss === "relative_l2" && isZeroWhereKnown(columns)) {
      const problem = `array "${target.name}" is zero everywhere, so no error is relative to it: choose another loss.`;
      throw new FormatError(`${known.file}: ${problem}`, { file: known.file, tensor: target.name });
    }
  }
  return truth;
}

/** Returns the earlier frames that the model sees. @throws FormatError if there are fewer */
function expectEarlier({ sample: { file }, earlier = [] }: Pair, { history }: Layout): readonly FieldSample[] {
  const expected = history.at(-1)?.back ?? 0;
  if (earlier.length >= expected) return earlier;
  const frames = expected === 1 ? "the frame" : `the ${expected} frames`;
  const problem = `the model sees ${frames} before it, too: predict the sequence as a whole (erwin predict --rollout N).`;
  throw new FormatError(`${file}: ${problem}`, { file, expected, found: earlier.length });
}

/** Whether values are zero, all that are not missing; not if all are. */
const isZeroWhereKnown = ({ data }: Columns) =>
  data.every((value) => value === 0 || Number.isNaN(value)) && data.includes(0);

/** Returns a target that a sequence cannot begin without. */
export function expectTarget(sample: FieldSample, index: number, name: string): Columns {
  const target = sample.targets[index];
  if (target) return target;
  const problem = `has no array "${name}", of which the model predicts the change.`;
  throw new FormatError(`${sample.file}: ${problem}`, { file: sample.file, tensor: name });
}

/**
 * Checks that statistics can be computed over a pair together with the first of the training split.
 * @throws FormatError if it has other dimensions, a field with other components, or frames with different points
 */
export function expectAlike(
  pair: Pair,
  first: Pair,
  fields: Pick<FolderConfig, "inputs" | "targets" | "globals">,
): void {
  expectSamePoints(pair);
  for (const sample of framesOf(pair)) {
    expectDimensions(sample, first.sample.dimensions);
    for (const kind of ["inputs", "targets", "globals"] as const) {
      for (const [i, { name }] of fields[kind].entries()) {
        expectWidth(sample[kind][i] as Columns, (first.sample[kind][i] as Columns).width, name, sample.file);
      }
    }
  }
}

function expectDimensions({ dimensions, file }: FieldSample, expected: number): void {
  if (dimensions === expected) return;
  const problem = `has ${dimensions} coordinates, those of the training split have ${expected}.`;
  throw new FormatError(`${file}: ${problem}`, { file, expected, found: dimensions });
}

/** Returns a pair's frames in the order of time. */
const framesOf = ({ sample, next, earlier = [] }: Pair): FieldSample[] => [
  ...[...earlier].reverse(),
  sample,
  ...(next ? [next] : []),
];

function expectSamePoints(pair: Pair): void {
  const frames = framesOf(pair);
  const at = frames.findIndex(({ points }, i) => i > 0 && points !== frames[i - 1].points);
  if (at < 0) return;
  const { file, points } = frames[at];
  const before = frames[at - 1].points;
  const problem = `has ${points} points, the frame before has ${before}: a sequence keeps its points.`;
  throw new FormatError(`${file}: ${problem}`, { file, expected: before, found: points });
}

function expectWidth({ width }: Columns, expected: number, name: string, file: string): void {
  if (width === expected) return;
  const problem = `array "${name}" has ${width} components, those of the training split have ${expected}.`;
  throw new FormatError(`${file}: ${problem}`, { file, tensor: name, expected, found: width });
}

/** Repeats a sample's values in a row for each point. */
export function repeated({ data, width }: Columns, points: number): Columns {
  return { data: Float64Array.from({ length: points * width }, (_, i) => data[i % width]), width };
}

/** Writes 1 for the class of each row; nothing for labels that do not count. */
function oneHotInto(
  into: Float32Array,
  { first, stride }: { first: number; stride: number },
  { data }: Columns,
  ignore: readonly number[],
): void {
  for (let row = 0; row < data.length; row++) {
    if (!ignore.includes(data[row])) into[row * stride + first + data[row]] = 1;
  }
}

/** Extracts a place's columns from rows of `stride` elements: [rows, width]. */
export function placeOf(rows: ArrayLike<number>, { first, width }: Place, stride: number): Float64Array {
  const count = rows.length / stride;
  return Float64Array.from(
    { length: count * width },
    (_, i) => rows[Math.floor(i / width) * stride + first + (i % width)],
  );
}
