// Point clouds that are hard for trees and neighbour searches, for fast-check; brute-force neighbour search; comparison
// of long lists.
import fc from "fast-check";
import { expect } from "vitest";
import { seededRandom } from "../support/clouds.ts";

const kinds: Record<string, (random: () => number) => number> = {
  uniform: (random) => random() - 0.5,
  skewed: (random) => (random() - 0.5) ** 7,
  extreme: (random) => (random() - 0.5) * 10 ** (60 * random() - 30),
  clusters: (random) => Math.floor(random() * 3) + 0.001 * random(),
  coarseGrid: (random) => Math.floor(random() * 4),
  fineGrid: (random) => Math.floor(random() * 12) / 10,
  signedZeros: (random) => (random() < 0.5 ? -0 : 0),
  mostlyEqual: (random) => (random() < 0.9 ? 0.25 : random()),
  equal: () => -1.5,
};

export interface Clouds {
  kind: string;
  dimensionality: number;
  sizes: number[];
  seed: number;
}

/** Batches of up to three clouds with up to `maxPoints` points each; small ones are more frequent. */
export function clouds(maxPoints: number, dimensions: number[]): fc.Arbitrary<Clouds> {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: Math.min(400, maxPoints) }),
    fc.integer({ min: 1, max: maxPoints }),
  );
  return fc.record({
    kind: fc.constantFrom(...Object.keys(kinds)),
    dimensionality: fc.constantFrom(...dimensions),
    sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    seed: fc.nat(),
  });
}

/** [points, dimensionality] of the batch, and [clouds + 1] where each cloud begins. */
export function makeClouds({ kind, dimensionality, sizes, seed }: Clouds): {
  positions: Float32Array;
  offsets: Int32Array;
} {
  const random = seededRandom(seed);
  const coordinate = kinds[kind];
  const offsets = new Int32Array(sizes.length + 1);
  sizes.forEach((size, cloud) => {
    offsets[cloud + 1] = offsets[cloud] + size;
  });
  const positions = Float32Array.from({ length: offsets[sizes.length] * dimensionality }, () => coordinate(random));
  return { positions, offsets };
}

/** Edges by comparing all pairs: squared distances in float64, summed axis by axis, ties by index. */
export function plainNeighbours(
  positions: Float32Array,
  dimensionality: number,
  offsets: Int32Array,
  { radius = Number.POSITIVE_INFINITY, maxNeighbors, loop }: { radius?: number; maxNeighbors: number; loop: boolean },
): Int32Array {
  const sources: number[] = [];
  const targets: number[] = [];
  for (let cloud = 0; cloud + 1 < offsets.length; cloud++) {
    for (let target = offsets[cloud]; target < offsets[cloud + 1]; target++) {
      const near: { source: number; distance: number }[] = [];
      for (let source = offsets[cloud]; source < offsets[cloud + 1]; source++) {
        if (source === target && !loop) continue;
        let distance = 0;
        for (let axis = 0; axis < dimensionality; axis++) {
          const difference = positions[source * dimensionality + axis] - positions[target * dimensionality + axis];
          distance += difference * difference;
        }
        if (distance < radius * radius) near.push({ source, distance });
      }
      near.sort((a, b) => a.distance - b.distance || a.source - b.source);
      for (const { source } of near.slice(0, maxNeighbors)) {
        sources.push(source);
        targets.push(target);
      }
    }
  }
  return Int32Array.from([...sources, ...targets]);
}

/** Like toEqual, but fast on long lists. */
export function expectSame(found: Int32Array | Uint8Array, expected: Int32Array | Uint8Array): void {
  expect(found.length).toBe(expected.length);
  const index = found.findIndex((value, k) => value !== expected[k]);
  if (index >= 0) expect.fail(`entry ${index} is ${found[index]}, expected ${expected[index]}`);
}
