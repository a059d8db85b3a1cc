// Samples point clouds from a triangle mesh: points evenly over its surface, with the surface's normals.

import { Random, shuffled } from "../random.ts";
import { type TriangleMesh, vertexNormals } from "./normals.ts";

export interface SurfacePoints {
  /** [n, 3] */
  positions: Float32Array;
  /** [n, 3], unit length, pointing outwards. */
  normals: Float32Array;
}

type Vector = readonly number[];
const subtract = (a: Vector, b: Vector) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a: Vector, b: Vector) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Candidates drawn for each point that is kept: more make the cover more even, and take longer. */
const candidatesPerPoint = 8;

/** Samples `count` points evenly over the mesh: a choice of random points of which no two are close (blue noise). */
export function sampleSurface(mesh: TriangleMesh, count: number, seed: number): SurfacePoints {
  const random = new Random(seed, "surface");
  const candidates = drawSurface(mesh, count * candidatesPerPoint, random);
  const chosen = spread(candidates.positions, candidates.area, count, random);
  return { positions: gatherRows(candidates.positions, chosen), normals: gatherRows(candidates.normals, chosen) };
}

/** Draws random points, with a probability proportional to area. */
function drawSurface(mesh: TriangleMesh, count: number, random: Random): SurfacePoints & { area: number } {
  const { positions, cells } = mesh;
  const flat = vertexNormals(mesh);
  const normals = positions.map((_, vertex) => Array.from(flat.subarray(3 * vertex, 3 * vertex + 3)));
  const areaUpTo = new Float64Array(cells.length);
  let area = 0;
  cells.forEach(([a, b, c], cell) => {
    area += Math.hypot(...cross(subtract(positions[b], positions[a]), subtract(positions[c], positions[a]))) / 2;
    areaUpTo[cell] = area;
  });

  const result = { positions: new Float32Array(count * 3), normals: new Float32Array(count * 3) };
  for (let i = 0; i < count; i++) {
    const corners = cells[firstAbove(areaUpTo, random.uniform() * area)];
    const [u, v] = [Math.sqrt(random.uniform()), random.uniform()];
    const weights = [1 - u, u * (1 - v), u * v];
    const mix = (values: readonly Vector[], d: number) =>
      corners.reduce((sum, vertex, corner) => sum + weights[corner] * values[vertex][d], 0);
    const normal = [mix(normals, 0), mix(normals, 1), mix(normals, 2)];
    const length = Math.hypot(...normal) || 1;
    for (let d = 0; d < 3; d++) {
      result.positions[i * 3 + d] = mix(positions, d);
      result.normals[i * 3 + d] = normal[d] / length;
    }
  }
  return { ...result, area };
}

/** Chooses `count` points that are at least a distance apart, which shrinks until there are enough. */
function spread(positions: Float32Array, area: number, count: number, random: Random): Int32Array {
  const order = shuffled(
    Int32Array.from({ length: positions.length / 3 }, (_, i) => i),
    random,
  );
  const chosen = new Int32Array(count);
  const isChosen = new Uint8Array(order.length);
  let found = 0;
  // The distance between points in the densest packing of discs.
  for (let distance = Math.sqrt((2 / Math.sqrt(3)) * (area / count)); found < count; distance *= 0.95) {
    const grid = new Neighbourhood(positions, distance);
    for (const i of chosen.subarray(0, found)) grid.add(i);
    for (const i of order) {
      if (found === count) break;
      if (isChosen[i] || grid.holdsNear(i)) continue;
      isChosen[i] = 1;
      chosen[found++] = i;
      grid.add(i);
    }
  }
  return chosen;
}

/** A hashed grid of points, which finds whether any lies within the grid's spacing of a position. */
class Neighbourhood {
  readonly #positions: Float32Array;
  readonly #spacing: number;
  /** First point of each cell and the next after each point, -1 at the end. */
  readonly #first = new Int32Array(2 ** 16).fill(-1);
  readonly #next: Int32Array;

  constructor(positions: Float32Array, spacing: number) {
    this.#positions = positions;
    this.#spacing = spacing;
    this.#next = new Int32Array(positions.length / 3);
  }

  add(i: number): void {
    const cell = this.#cell(i, 0, 0, 0);
    this.#next[i] = this.#first[cell];
    this.#first[cell] = i;
  }

  holdsNear(i: number): boolean {
    for (let x = -1; x <= 1; x++) {
      for (let y = -1; y <= 1; y++) {
        for (let z = -1; z <= 1; z++) {
          for (let other = this.#first[this.#cell(i, x, y, z)]; other >= 0; other = this.#next[other]) {
            if (this.#squaredDistance(i, other) < this.#spacing ** 2) return true;
          }
        }
      }
    }
    return false;
  }

  /** Hash collisions only cost time, since distances are checked. */
  #cell(i: number, x: number, y: number, z: number): number {
    const at = (axis: number, step: number) => Math.floor(this.#positions[i * 3 + axis] / this.#spacing) + step;
    const hash = Math.imul(at(0, x), 73856093) ^ Math.imul(at(1, y), 19349663) ^ Math.imul(at(2, z), 83492791);
    return hash & 0xffff;
  }

  #squaredDistance(i: number, j: number): number {
    let sum = 0;
    for (let d = 0; d < 3; d++) sum += (this.#positions[i * 3 + d] - this.#positions[j * 3 + d]) ** 2;
    return sum;
  }
}

function gatherRows(rows: Float32Array, indices: Int32Array): Float32Array {
  const result = new Float32Array(indices.length * 3);
  indices.forEach((row, i) => {
    result.set(rows.subarray(row * 3, row * 3 + 3), i * 3);
  });
  return result;
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
