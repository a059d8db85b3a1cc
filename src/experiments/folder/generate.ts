// Generates steady heat in plates with holes, triangulated and solved by finite elements: an example of a user's own folder.

import Delaunator from "delaunator";
import { Random } from "../../random.ts";

/** The types of points. */
export const PLATE_KINDS = { inner: 0, rim: 1, hot: 2, cold: 3 } as const;

/** Temperatures are in kelvin, lengths in metres, conductivities in W/(m K). */
const COLD = 293;
const PLATE_CONDUCTIVITY = 15;
/** The number of points on a hole's edge per unit of its radius. */
const HOLE_POINTS = 14;
/** The solver stops at this squared residual, relative to the first one. */
const ACCURACY = 1e-20;

export interface Plate {
  points: number;
  /** [points, 2] */
  positions: Float64Array;
  /** [triangles, 3] */
  triangles: Int32Array;
  /** [points] */
  kinds: Int32Array;
  /** [points] W/(m K) */
  conductivity: Float64Array;
  /** [points] K */
  temperature: Float64Array;
  /** [points, 2] W/m^2, the mean over the triangles around each point */
  flux: Float64Array;
  /** The temperature of the holes' edges, K. */
  hot: number;
  /** The heat source within the plate, W/m^3. */
  source: number;
}

interface Hole {
  x: number;
  y: number;
  radius: number;
}

/**
 * Generates a plate of about `points` points. Its holes are hot, its left and right sides cold, the other sides insulated; it is
 * heated from within, and a disk in it conducts heat better than the rest. The same seed and index give the same plate.
 */
export function heatedPlate(points: number, seed: number, index: number): Plate {
  const random = new Random(seed, `plate ${index}`);
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const [width, height] = [between(1, 1.8), 1];
  const holes = placeHoles(1 + Math.floor(3 * random.uniform()), width, height, between);
  const spacing = Math.sqrt((width * height) / points);
  const { positions, kinds } = placePoints(width, height, holes, spacing, between);
  const count = kinds.length;
  const triangles = triangulate(positions, holes);
  const disk = { x: between(0.2, width - 0.2), y: between(0.2, 0.8), radius: between(0.15, 0.3) };
  const better = between(2, 8);
  const conductivity = Float64Array.from({ length: count }, (_, p) => {
    const inside = disk.radius - Math.hypot(positions[2 * p] - disk.x, positions[2 * p + 1] - disk.y);
    return PLATE_CONDUCTIVITY * (1 + (better - 1) / (1 + Math.exp(-inside / 0.03)));
  });
  const [hot, source] = [COLD + between(50, 200), between(0, 8000)];
  const elements = elementsOf(positions, triangles, conductivity);
  const known = Float64Array.from(kinds, (kind) =>
    kind === PLATE_KINDS.hot ? hot : kind === PLATE_KINDS.cold ? COLD : Number.NaN,
  );
  const temperature = solve(elements, count, known, source);
  return {
    points: count,
    positions,
    triangles,
    kinds,
    conductivity,
    temperature,
    flux: fluxAt(elements, count, temperature),
    hot,
    source,
  };
}

type Between = (low: number, high: number) => number;

function placeHoles(count: number, width: number, height: number, between: Between): Hole[] {
  const holes: Hole[] = [];
  for (let tried = 0; holes.length < count && tried < 200; tried++) {
    const radius = between(0.06, 0.16);
    const hole = {
      x: between(0.1 + radius, width - 0.1 - radius),
      y: between(0.1 + radius, height - 0.1 - radius),
      radius,
    };
    const isFree = holes.every((other) => Math.hypot(other.x - hole.x, other.y - hole.y) > other.radius + radius + 0.1);
    if (isFree) holes.push(hole);
  }
  return holes;
}

function placePoints(width: number, height: number, holes: readonly Hole[], spacing: number, between: Between) {
  const positions: number[] = [];
  const kinds: number[] = [];
  const put = (x: number, y: number, kind: number) => {
    positions.push(x, y);
    kinds.push(kind);
  };
  const [columns, rows] = [Math.max(3, Math.round(width / spacing)), Math.max(3, Math.round(height / spacing))];
  for (let i = 0; i <= columns; i++) {
    for (let j = 0; j <= rows; j++) {
      const [x, y] = [(i * width) / columns, (j * height) / rows];
      if (i === 0 || i === columns) put(x, y, PLATE_KINDS.cold);
      else if (j === 0 || j === rows) put(x, y, PLATE_KINDS.rim);
      else {
        const shaken = [x + between(-0.25, 0.25) * spacing, y + between(-0.25, 0.25) * spacing];
        const isFree = holes.every(
          (hole) => Math.hypot(shaken[0] - hole.x, shaken[1] - hole.y) > hole.radius + 0.5 * spacing,
        );
        if (isFree) put(shaken[0], shaken[1], PLATE_KINDS.inner);
      }
    }
  }
  for (const { x, y, radius } of holes) {
    const count = Math.max(HOLE_POINTS, Math.round((2 * Math.PI * radius) / spacing));
    for (let i = 0; i < count; i++) {
      const angle = (2 * Math.PI * i) / count;
      put(x + radius * Math.cos(angle), y + radius * Math.sin(angle), PLATE_KINDS.hot);
    }
  }
  return { positions: Float64Array.from(positions), kinds: Int32Array.from(kinds) };
}

/** Triangulates the points, without the triangles in holes. */
function triangulate(positions: Float64Array, holes: readonly Hole[]): Int32Array {
  const { triangles } = new Delaunator(positions);
  const kept: number[] = [];
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [triangles[t], triangles[t + 1], triangles[t + 2]];
    const middle = [0, 1].map((axis) => corners.reduce((sum, corner) => sum + positions[2 * corner + axis], 0) / 3);
    if (holes.some(({ x, y, radius }) => Math.hypot(middle[0] - x, middle[1] - y) < radius)) continue;
    kept.push(...corners);
  }
  return Int32Array.from(kept);
}

/** A triangle, in which the temperature is linear. */
interface Element {
  corners: readonly number[];
  area: number;
  conductivity: number;
  /** The gradients of the three functions that are 1 at one corner and 0 at the others: x, y of each. */
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

/** Solves -div(k grad T) = source for the points whose temperature is unknown, by conjugate gradients. */
function solve(elements: readonly Element[], count: number, known: Float64Array, source: number): Float64Array {
  const isFree = known.map((value) => Number(Number.isNaN(value)));
  /** The heat that flows out of each point, W/m. */
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
  const temperature = known.map((value) => (Number.isNaN(value) ? COLD : value));
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
