// Solves steady heat conduction in two dimensions, -div(k grad T) = source, with linear finite elements on triangles.

/** The solver stops at this squared residual, relative to the first one. */
const ACCURACY = 1e-20;

/** A plate and what is known about its heat. Sides without known temperatures are insulated. */
export interface HeatProblem {
  /** [points, 2] m */
  positions: Float64Array;
  /** [triangles, 3] */
  triangles: Int32Array;
  /** [points] W/(m K) */
  conductivity: Float64Array;
  /** [points] K, where the temperature is given; NaN where it is to be found */
  known: Float64Array;
  /** W/m^3 everywhere */
  source: number;
}

export interface Heat {
  /** [points] K */
  temperature: Float64Array;
  /** [points, 2] W/m^2, the mean over the triangles around each point */
  flux: Float64Array;
}

/** Solves for the temperatures and the flux. At least one temperature must be known. */
export function steadyHeat({ positions, triangles, conductivity, known, source }: HeatProblem): Heat {
  const elements = elementsOf(positions, triangles, conductivity);
  const temperature = solve(elements, known.length, known, source);
  return { temperature, flux: fluxAt(elements, known.length, temperature) };
}

/** A triangle, in which the temperature is linear. */
interface Element {
  corners: readonly number[];
  area: number;
  conductivity: number;
  /** The gradients (x, y) of the three functions that are 1 at one corner and 0 at the others. */
  slopes: readonly number[];
}

function elementsOf(positions: Float64Array, triangles: Int32Array, conductivity: Float64Array): Element[] {
  return Array.from({ length: triangles.length / 3 }, (_, t) => {
    const corners = [...triangles.subarray(3 * t, 3 * t + 3)];
    const [x, y] = [0, 1].map((axis) => corners.map((corner) => positions[2 * corner + axis]));
    const double = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]);
    const slopes = [0, 1, 2].flatMap((i) => {
      const [j, k] = [(i + 1) % 3, (i + 2) % 3];
      return [(y[j] - y[k]) / double, (x[k] - x[j]) / double];
    });
    const mean = corners.reduce((sum, corner) => sum + conductivity[corner], 0) / 3;
    return { corners, area: Math.abs(double) / 2, conductivity: mean, slopes };
  });
}

/** Solves for the unknown temperatures by conjugate gradients. */
function solve(elements: readonly Element[], count: number, known: Float64Array, source: number): Float64Array {
  const isFree = known.map((value) => Number(Number.isNaN(value)));
  /** Returns the heat that flows out of each point, W/m. */
  const outflow = (temperature: Float64Array) => {
    const result = new Float64Array(count);
    for (const { corners, area, conductivity, slopes } of elements) {
      let [dx, dy] = [0, 0];
      for (let i = 0; i < 3; i++) {
        dx += slopes[2 * i] * temperature[corners[i]];
        dy += slopes[2 * i + 1] * temperature[corners[i]];
      }
      for (let i = 0; i < 3; i++)
        result[corners[i]] += area * conductivity * (slopes[2 * i] * dx + slopes[2 * i + 1] * dy);
    }
    return result.map((value, p) => value * isFree[p]);
  };
  const coldest = known.reduce((least, value) => (value < least ? value : least), Number.POSITIVE_INFINITY);
  const temperature = known.map((value) => (Number.isNaN(value) ? coldest : value));
  const heat = new Float64Array(count);
  for (const { corners, area } of elements) for (const corner of corners) heat[corner] += (source * area) / 3;
  const start = outflow(temperature);
  const residual = heat.map((value, p) => (value - start[p]) * isFree[p]);
  let direction = residual.slice();
  let size = dot(residual, residual);
  const enough = ACCURACY * size;
  for (let step = 0; step < 10 * count && size > enough; step++) {
    const along = outflow(direction);
    const length = size / dot(direction, along);
    for (let p = 0; p < count; p++) {
      temperature[p] += length * direction[p];
      residual[p] -= length * along[p];
    }
    const next = dot(residual, residual);
    direction = direction.map((value, p) => residual[p] + (next / size) * value);
    size = next;
  }
  return temperature;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** Returns the flux at each point: the mean over the triangles around it, weighted by their areas. */
function fluxAt(elements: readonly Element[], count: number, temperature: Float64Array): Float64Array {
  const flux = new Float64Array(2 * count);
  const areas = new Float64Array(count);
  for (const { corners, area, conductivity, slopes } of elements) {
    for (const axis of [0, 1]) {
      const slope = corners.reduce((sum, corner, i) => sum + slopes[2 * i + axis] * temperature[corner], 0);
      for (const corner of corners) flux[2 * corner + axis] -= area * conductivity * slope;
    }
    for (const corner of corners) areas[corner] += area;
  }
  return flux.map((value, i) => value / areas[i >> 1]);
}
