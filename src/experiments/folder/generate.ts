// Generates plates with holes, triangulated, in which heat flows steadily: an example of a user's own folder.

import Delaunator from "delaunator";
import { Random } from "../../random.ts";
import { steadyHeat } from "./heat.ts";

/** The types of points. */
export const PLATE_KINDS = { inner: 0, rim: 1, hot: 2, cold: 3 } as const;

/** Temperatures are in kelvin, lengths in metres, conductivities in W/(m K). */
const COLD = 293;
const PLATE_CONDUCTIVITY = 15;
/** The number of points on a hole's edge per unit of its radius. */
const HOLE_POINTS = 14;

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
  const known = Float64Array.from(kinds, (kind) =>
    kind === PLATE_KINDS.hot ? hot : kind === PLATE_KINDS.cold ? COLD : Number.NaN,
  );
  return {
    points: count,
    positions,
    triangles,
    kinds,
    conductivity,
    ...steadyHeat({ positions, triangles, conductivity, known, source }),
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
