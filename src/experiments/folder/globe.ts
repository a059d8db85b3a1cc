// Points on a globe, of which files have longitudes and latitudes: neighbours across ±180° and around the poles are near each other.

import { FormatError } from "../../errors.ts";
import { type FileNumbers, numbersOf } from "./file-numbers.ts";
import type { Grid } from "./grid.ts";
import type { SampleArrays } from "./sample-arrays.ts";

const DEGREE = Math.PI / 180;

/**
 * Returns arrays with points [n, 3] on a sphere of radius 1 in place of degrees [n, 2]: x towards the meridian of 0° on the equator, z
 * towards the north pole.
 * @param names the arrays of the longitudes and of the latitudes, for messages
 * @throws FormatError for what cannot be degrees
 */
export function onGlobe(arrays: SampleArrays, names: readonly string[]): SampleArrays {
  const { file, points } = arrays;
  if (!points) return arrays;
  const [rows, width] = points.shape;
  const given = `"${names.join('" and "')}", which the config's globe names as longitudes and latitudes in degrees,`;
  if (width !== 2) {
    throw new FormatError(`${file}: ${given} have ${width} columns side by side, expected 2.`, {
      file,
      expected: 2,
      found: width,
    });
  }
  const degrees = numbersOf(points, `${file}:points`);
  const data = new Float64Array(3 * rows);
  for (let row = 0; row < rows; row++) {
    const [longitude, latitude] = [degrees[2 * row], degrees[2 * row + 1]];
    if (Math.abs(latitude) > 90 || Math.abs(longitude) > 360) {
      throw new FormatError(
        `${file}: ${given} are ${longitude} and ${latitude} of point ${row}: longitudes are from -360 to 360, latitudes from -90 to 90. Distances on a map are coordinates: [${names.join(", ")}].`,
        { file, row, found: [longitude, latitude] },
      );
    }
    const toAxis = Math.cos(latitude * DEGREE);
    data[3 * row] = toAxis * Math.cos(longitude * DEGREE);
    data[3 * row + 1] = toAxis * Math.sin(longitude * DEGREE);
    data[3 * row + 2] = Math.sin(latitude * DEGREE);
  }
  const { grid } = arrays;
  const closed = grid && [0, 1].find((axis) => isClosed(grid, axis, degrees));
  return {
    ...arrays,
    ...(grid && closed !== undefined && { grid: { ...grid, closed } }),
    points: { dtype: "F64", shape: [rows, 3], data },
  };
}

/** How many times as large as the largest step the gap may be that is left of a whole turn. */
const GAP = 1.5;

/**
 * Whether each line of a grid's points along an axis goes once around the globe.
 * @param degrees longitudes and latitudes of all points
 */
function isClosed({ sizes }: Grid, axis: number, degrees: FileNumbers): boolean {
  const [count, others] = [sizes[axis], sizes[1 - axis]];
  const [step, lineStep] = axis === 1 ? [1, count] : [others, 1];
  for (let line = 0; line < others; line++) {
    const longitude = (i: number) => degrees[2 * (line * lineStep + (i % count) * step)];
    let [turn, largest, last] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const difference = longitude(i + 1) - longitude(i);
      last = difference - 360 * Math.round(difference / 360);
      if (i < count - 1) largest = Math.max(largest, Math.abs(last));
      turn += last;
    }
    if (Math.round(Math.abs(turn)) !== 360 || Math.abs(last) > GAP * largest) return false;
  }
  return others > 0;
}
