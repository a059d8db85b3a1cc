// Points on a globe, of which files have longitudes and latitudes: neighbours across ±180° and around the poles are near each other.

import { FormatError } from "../../errors.ts";
import { numbersOf } from "./file-numbers.ts";
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
  return { ...arrays, points: { dtype: "F64", shape: [rows, 3], data } };
}
