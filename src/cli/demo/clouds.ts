// The point clouds of the demonstration, cut from one mesh, and features for their points.

import type { TriangleMesh } from "../../drawing/normals.ts";
import { sampleSurface } from "../../drawing/surface.ts";
import { Random } from "../../random.ts";

const dimensionality = 3;
const seed = 0;

/** The mesh's vertices, and clouds of other sizes and densities cut from it; the last is a single point. */
export function raggedClouds(mesh: TriangleMesh, vertices: Float32Array): Float32Array[] {
  const where = (keep: (x: number, y: number, z: number, i: number) => boolean) =>
    Float32Array.from(mesh.positions.filter(([x, y, z], i) => keep(x, y, z, i)).flat());
  return [
    vertices,
    sampleSurface(mesh, 3000, seed).positions,
    where((_x, y) => y > 6), // the head
    where((x) => x > 0), // the hind half
    where((_x, _y, _z, i) => i % 20 === 0),
    vertices.slice(0, dimensionality),
  ];
}

/** Joins clouds to one batch. */
export function joinClouds(clouds: readonly Float32Array[]): { positions: Float32Array; batchIdx: Int32Array } {
  const positions = new Float32Array(clouds.reduce((sum, cloud) => sum + cloud.length, 0));
  const batchIdx = new Int32Array(positions.length / dimensionality);
  let at = 0;
  clouds.forEach((cloud, c) => {
    positions.set(cloud, at);
    batchIdx.fill(c, at / dimensionality, (at + cloud.length) / dimensionality);
    at += cloud.length;
  });
  return { positions, batchIdx };
}

/** Makes features from random waves over space: smooth functions of the position, [points, channels]. */
export function smoothFeatures(positions: Float32Array, channels: number): Float32Array {
  const random = new Random(seed, "features");
  const waves = Array.from({ length: channels }, () => [0, 1, 2, 3].map(() => random.uniform() * 2 - 1));
  const features = new Float32Array((positions.length / dimensionality) * channels);
  for (let i = 0; i < features.length; i++) {
    const [x, y, z, phase] = waves[i % channels];
    const at = Math.floor(i / channels) * dimensionality;
    features[i] = Math.cos(x * positions[at] + y * positions[at + 1] + z * positions[at + 2] + phase * Math.PI);
  }
  return features;
}
