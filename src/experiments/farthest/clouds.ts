// Generates clouds whose extent exceeds every ball: thick random walks, and for each point its distance to the farthest point.

import type { Random } from "../../random.ts";
import { DIMENSIONS } from "../space.ts";

/** The number of straight pieces of a walk, their length and their thickness (standard deviations). */
const PIECES = 6;
const LENGTH = 1;
const THICKNESS = 0.1;

export interface WalkCloud {
  /** [points, 3] relative to their mean. */
  positions: Float32Array;
  /** [points] the distance to the cloud's farthest point. */
  farthest: Float32Array;
}

/** Generates a walk of six straight pieces in random directions, with points spread evenly along it. */
export function walkCloud(points: number, random: Random): WalkCloud {
  const corners = [[0, 0, 0]];
  for (let piece = 0; piece < PIECES; piece++) {
    corners.push(corners[piece].map((coordinate) => coordinate + LENGTH * random.normal()));
  }
  const positions = new Float32Array(points * DIMENSIONS);
  for (let i = 0; i < points; i++) {
    const along = random.uniform() * PIECES;
    const piece = Math.min(PIECES - 1, Math.floor(along));
    for (let a = 0; a < DIMENSIONS; a++) {
      const [from, to] = [corners[piece][a], corners[piece + 1][a]];
      positions[i * DIMENSIONS + a] = from + (along - piece) * (to - from) + THICKNESS * random.normal();
    }
  }
  centre(positions);
  return { positions, farthest: farthestDistances(positions) };
}

/** Moves the mean of the positions to the origin. */
function centre(positions: Float32Array): void {
  const points = positions.length / DIMENSIONS;
  for (let a = 0; a < DIMENSIONS; a++) {
    let sum = 0;
    for (let i = 0; i < points; i++) sum += positions[i * DIMENSIONS + a];
    for (let i = 0; i < points; i++) positions[i * DIMENSIONS + a] -= sum / points;
  }
}

function farthestDistances(positions: Float32Array): Float32Array {
  const points = positions.length / DIMENSIONS;
  return Float32Array.from({ length: points }, (_, i) => {
    let most = 0;
    for (let j = 0; j < points; j++) {
      let squared = 0;
      for (let a = 0; a < DIMENSIONS; a++)
        squared += (positions[i * DIMENSIONS + a] - positions[j * DIMENSIONS + a]) ** 2;
      most = Math.max(most, squared);
    }
    return Math.sqrt(most);
  });
}
