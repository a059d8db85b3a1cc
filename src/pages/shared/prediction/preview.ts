// Prepares a model's prediction for the stage.

import type { SamplePrediction } from "erwin/experiments";
import { loadEngine } from "../engine.ts";
import { inOrder, placesOf, spacingOf, spreadOrder } from "../stage/layout.ts";
import { magnitudes, type Range, rangeOf } from "../stage/paint.ts";
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
  const { buildBallTree } = await loadEngine();
  const [{ positions, dimensionality, fields }] = frames;
  const tree = await buildBallTree(positions, { dimensionality });
  const order = spreadOrder(tree);
  const places = placesOfFrames(frames);
  const shown = shownOf(fields);
  return {
    ...about,
    flat: dimensionality === 2,
    spacing: spacingOf(tree, places[0]),
    fields: shown.map((one) =>
      describe(
        one,
        frames.map((frame) => frame.fields[one.field]),
      ),
    ),
    frames: frames.map((frame, i) => ({
      time: frame.time,
      positions: inOrder(places[i], order),
      values: shown.map((one) => valuesOf(frame.fields[one.field], one, order)),
    })),
  };
}

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

function numbersOf(data: Float32Array | Float64Array, channels: number, component: number | undefined) {
  if (component === undefined) return magnitudes({ data, channels });
  return Float32Array.from({ length: data.length / channels }, (_, point) => data[point * channels + component]);
}

function describe({ name, component }: Shown, inFrames: readonly Field[]): PreviewField {
  const ranges = inFrames.map(({ truth, prediction, channels }) =>
    rangeOf(numbersOf(truth ?? prediction, channels, component)),
  );
  const range: Range = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
  const { isClass = false, isWhole = false } = inFrames[0];
  return { name, isClass, isWhole, range };
}

function valuesOf({ channels, prediction, truth, isClass, ignore }: Field, { component }: Shown, order: Int32Array) {
  const drawn = (data: Float32Array | Float64Array) => {
    const values = numbersOf(data, channels, component);
    return Float32Array.from(order, (point) => values[point]);
  };
  const shown: PreviewValues = { prediction: drawn(prediction) };
  if (!truth) return shown;
  const error = Float32Array.from(prediction, (value, i) =>
    isClass ? Number(value !== truth[i] && !ignore?.includes(truth[i])) : Math.abs(value - truth[i]),
  );
  return { ...shown, truth: drawn(truth), error: drawn(error) };
}
