// Prepares a model's prediction for the stage.

import type { SamplePrediction } from "erwin/experiments";
import type { Cells } from "erwin/formats";
import { loadEngine } from "../engine.ts";
import { inOrder, placesOf, spacingOf, spreadOrder } from "../stage/layout.ts";
import { meshSurface } from "../stage/mesh-surface.ts";
import { hasGaps, magnitudes, type Range, rangeOf } from "../stage/paint.ts";
import { type Surface, surfaceOf } from "../stage/surface.ts";
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
  const ofPoints = placesIn(
    frames.map(({ positions }) => positions),
    dimensionality,
  );
  const { places, surface, order, spacing } = drawSurface(frames, ofPoints) ?? (await drawBalls(frames[0], ofPoints));
  const shown = shownOf(fields);
  const values = frames.map((frame) => shown.map((one) => valuesOf(frame.fields[one.field], one)));
  return {
    ...about,
    flat: dimensionality === 2,
    spacing,
    surface,
    // A grid in space is mostly a globe, whose pole is in the direction of z.
    up: grid && surface && dimensionality === 3 ? "z" : "y",
    fields: shown.map((one, i) =>
      describe(
        one,
        fields[one.field],
        values.map((ofFrame) => ofFrame[i]),
      ),
    ),
    frames: frames.map((frame, i) => ({
      time: frame.time,
      positions: places[i],
      values: order ? values[i].map((ofField) => inOrderOf(ofField, order)) : values[i],
    })),
  };
}

/** What is drawn of a sample's points. */
interface Drawing {
  /** [points, 3] the places in each frame. */
  places: Float32Array[];
  surface?: Surface;
  /** The numbers of the points in the order in which they are drawn, if that is another than the sample's. */
  order?: Int32Array;
  spacing: number;
}

/** Draws points as balls, in an order in which the first of them show the whole. */
async function drawBalls({ positions, dimensionality }: SamplePrediction, places: Float32Array[]): Promise<Drawing> {
  const { buildBallTree } = await loadEngine();
  const tree = await buildBallTree(positions, { dimensionality });
  const order = spreadOrder(tree);
  return { places: places.map((of) => inOrder(of, order)), order, spacing: spacingOf(tree, places[0]) };
}

/** Draws the surface that a grid or a mesh of polygons is; undefined if the points have none. */
function drawSurface(frames: readonly SamplePrediction[], ofPoints: Float32Array[]): Drawing | undefined {
  const [{ grid, cells, corners }] = frames;
  const spacing = 0;
  if (grid) {
    const surface = surfaceOf(grid, ofPoints[0]);
    return surface && { places: ofPoints, surface, spacing };
  }
  // The meshes of some sequences change from frame to frame.
  if (!cells || frames.some((frame) => !haveSameCells(frame.cells, cells))) return undefined;
  const found = meshSurface(cells, corners ? "cells" : "points");
  if (!found) return undefined;
  const { surface, points } = found;
  const ofCorners = (frame: SamplePrediction) => Float32Array.from(frame.corners!.data, Number);
  const places = corners ? placesIn(frames.map(ofCorners), corners.shape[1]!) : ofPoints;
  return { places: points ? places.map((of) => inOrder(of, points)) : places, surface, spacing };
}

function haveSameCells(some: Cells | undefined, others: Cells): boolean {
  const areSame = (a: Int32Array, b: Int32Array) => a.length === b.length && a.every((value, i) => value === b[i]);
  if (!some) return false;
  return areSame(some.offsets, others.offsets) && areSame(some.connectivity, others.connectivity);
}

/** Maps all frames into the unit sphere with the same transform, so that motion remains visible. */
function placesIn(frames: readonly Float32Array[], dimensionality: number): Float32Array[] {
  const size = frames[0].length;
  const joined = new Float32Array(size * frames.length);
  for (const [i, positions] of frames.entries()) joined.set(positions, i * size);
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
