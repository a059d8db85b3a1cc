// Prepares a model's prediction for the stage.

import type { SamplePrediction } from "erwin/experiments";
import { loadEngine } from "../engine.ts";
import { inOrder, placesOf, spacingOf, spreadOrder } from "../stage/layout.ts";
import { hasGaps, magnitudes, type Range, rangeOf } from "../stage/paint.ts";
import { surfaceOf } from "../stage/surface.ts";
import type { Preview, PreviewField, PreviewValues } from "./protocol.ts";

type Field = SamplePrediction["fields"][number];

/**
 * @param frames one frame, or several of a sequence, all with the same number of points
 * @param about the sample's name, and of a model in training the number of steps done
 */
export async function makePreview(
  frames: readonly SamplePrediction[],
  about: { step?: number; sample: string },
): Promise<Preview> {
  const [{ dimensionality, grid, fields }] = frames;
  const places = placesOfFrames(frames);
  const surface = grid && surfaceOf(grid, places[0]);
  const { order, spacing } = surface ? inGivenOrder(places[0]) : await spread(frames[0], places[0]);
  const shown = shownOf(fields);
  const values = frames.map((frame) => shown.map((one) => valuesOf(frame.fields[one.field], one)));
  return {
    ...about,
    flat: dimensionality === 2,
    spacing,
    surface,
    fields: shown.map((one, i) =>
      describe(
        one,
        fields[one.field],
        values.map((ofFrame) => ofFrame[i]),
      ),
    ),
    frames: frames.map((frame, i) => ({
      time: frame.time,
      positions: inOrder(places[i], order),
      values: values[i].map((ofField) => inOrderOf(ofField, order)),
    })),
  };
}

async function spread({ positions, dimensionality }: SamplePrediction, places: Float32Array) {
  const { buildBallTree } = await loadEngine();
  const tree = await buildBallTree(positions, { dimensionality });
  return { order: spreadOrder(tree), spacing: spacingOf(tree, places) };
}

/** The corners of a surface are drawn as they are given; how far apart they are does not matter. */
const inGivenOrder = (places: Float32Array) => ({
  order: Int32Array.from({ length: places.length / 3 }, (_, point) => point),
  spacing: 0,
});

/** Maps all frames into the unit sphere with the same transform, so that motion remains visible. */
function placesOfFrames(frames: readonly SamplePrediction[]): Float32Array[] {
  const [{ positions, dimensionality }] = frames;
  const size = positions.length;
  const joined = new Float32Array(size * frames.length);
  for (const [i, frame] of frames.entries()) joined.set(frame.positions, i * size);
  const places = placesOf(joined, dimensionality);
  const width = places.length / frames.length;
  return frames.map((_, i) => places.subarray(i * width, (i + 1) * width));
}

function inOrderOf(values: PreviewValues, order: Int32Array): PreviewValues {
  const drawn = Object.entries(values).map(([side, of]) => [side, Float32Array.from(order, (point) => of[point])]);
  return Object.fromEntries(drawn) as PreviewValues;
}

/** The value that is shown of each point: a component of a field, or a vector's length. */
interface Shown {
  name: string;
  field: number;
  /** Undefined for the length. */
  component?: number;
}

const AXES = ["x", "y", "z"];

/** Lists the components of vectors first, because their length may say little, for example that of normals. */
function shownOf(fields: readonly Field[]): Shown[] {
  return fields.flatMap(({ name, channels }, field): Shown[] => {
    if (channels === 1) return [{ name, field, component: 0 }];
    const components = Array.from({ length: channels }, (_, component) => ({
      name: `${name} ${channels <= AXES.length ? AXES[component] : component}`,
      ...{ field, component },
    }));
    return [...components, { name: `${name}, length`, field }];
  });
}

function numbersOf(data: Float32Array | Float64Array, channels: number, component: number | undefined): Float32Array {
  if (component === undefined) return Float32Array.from(magnitudes({ data, channels }));
  return Float32Array.from({ length: data.length / channels }, (_, point) => data[point * channels + component]);
}

function describe({ name }: Shown, field: Field, inFrames: readonly PreviewValues[]): PreviewField {
  const ranges = inFrames.map(({ truth, prediction }) => rangeOf(truth ?? prediction));
  const range: Range = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
  const { isClass = false, isWhole = false } = field;
  const isIncomplete = inFrames.some((values) => Object.values(values).some(hasGaps));
  return { name, isClass, isWhole, range, hasGaps: isIncomplete };
}

/** Returns the values of each point that are shown: labels that do not count are none, and a truth without any value is no truth. */
function valuesOf({ channels, prediction, truth, isClass, ignore = [] }: Field, { component }: Shown): PreviewValues {
  const shown = { prediction: numbersOf(prediction, channels, component) };
  if (!truth) return shown;
  const known = Float64Array.from(truth, (value) => (ignore.includes(value) ? Number.NaN : value));
  const values = numbersOf(known, channels, component);
  if (values.every(Number.isNaN)) return shown;
  const error = Float64Array.from(prediction, (value, i) =>
    isClass && !Number.isNaN(known[i]) ? Number(value !== known[i]) : Math.abs(value - known[i]),
  );
  return { ...shown, truth: values, error: numbersOf(error, channels, component) };
}
