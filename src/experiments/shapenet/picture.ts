// A picture of a body in the wind: the points of its surface, and the pressure on them.

import type { GeneratorOptions, SamplePicture } from "../generator.ts";
import { DIMENSIONS } from "../space.ts";
import { carBody } from "./generate.ts";

/** The viewer's angles in radians: to the side of the driving direction, and upwards. */
const BESIDE = -0.8;
const ABOVE = 0.3;

export function shapenetPicture({ points, seed }: GeneratorOptions): SamplePicture {
  const body = carBody(points, seed, 0);
  const count = body.pressure.length;
  const column = (axis: number) => body.points.filter((_, i) => i % DIMENSIONS === axis);
  const [x, y, z] = [0, 1, 2].map((axis) => aroundMean(column(axis)));
  const ahead = Float32Array.from(x, (right, i) => right * Math.sin(BESIDE) + z[i] * Math.cos(BESIDE));
  const flat = Float32Array.from({ length: 2 * count }, (_, i) => {
    const point = i >> 1;
    const right = x[point] * Math.cos(BESIDE) - z[point] * Math.sin(BESIDE);
    return i % 2 === 0 ? right : y[point] * Math.cos(ABOVE) - ahead[point] * Math.sin(ABOVE);
  });
  const facing = Array.from({ length: count }, (_, i) => i).filter(
    (point) => ahead[point] * Math.cos(ABOVE) + y[point] * Math.sin(ABOVE) > -0.1,
  );
  const places = Float32Array.from(facing.flatMap((point) => [flat[2 * point], flat[2 * point + 1]]));
  return {
    title: "shapenet: from a body's surface to the pressure on it",
    explanation: `an ellipsoid about the size of a car, ${count} points, in a wind of 20 m/s; its far side is left out`,
    panels: [
      {
        title: "given: positions",
        points: places,
        values: Float32Array.from(facing, (point) => y[point]),
        scale: { least: -1, most: 1, what: "height above the middle, m" },
      },
      {
        title: "asked for: pressure",
        points: places,
        values: Float32Array.from(facing, (point) => body.pressure[point]),
        scale: { least: -240, most: 240, what: "pressure, Pa" },
        triangles: trianglesBetween(body.quads, facing),
      },
    ],
  };
}

/** Returns two triangles for each quad whose corners are all visible, as indices of the visible points. */
function trianglesBetween(quads: Int32Array, seen: readonly number[]): Int32Array {
  const places = new Map(seen.map((point, place) => [point, place]));
  const triangles: number[] = [];
  for (let at = 0; at < quads.length; at += 4) {
    const [a, b, c, d] = Array.from(quads.subarray(at, at + 4), (corner) => places.get(corner) ?? -1);
    if (Math.min(a, b, c, d) >= 0) triangles.push(a, b, c, a, c, d);
  }
  return Int32Array.from(triangles);
}

function aroundMean(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
