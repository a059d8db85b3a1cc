// Radius and nearest-neighbour graphs against a brute-force search over all pairs.
import { knnGraph, radiusGraph } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clouds, expectSame, makeClouds, plainNeighbours } from "./clouds.ts";

describe("radiusGraph", () => {
  test("equals the result of a brute-force search, for any points", async () => {
    const radius = fc.constantFrom(0, 0.1, 0.5, 1, 1.5, 100);
    const maxNeighbors = fc.constantFrom(0, 1, 32, Number.POSITIVE_INFINITY);
    await fc.assert(
      fc.asyncProperty(
        clouds(250, [1, 2, 3, 4]),
        radius,
        maxNeighbors,
        fc.boolean(),
        async (batch, radius, maxNeighbors, loop) => {
          const { positions, offsets } = makeClouds(batch);
          const { dimensionality } = batch;
          const edges = await radiusGraph(positions, { dimensionality, offsets, radius, maxNeighbors, loop });
          expectSame(edges, plainNeighbours(positions, dimensionality, offsets, { radius, maxNeighbors, loop }));
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  test("leaves out a distance of exactly the radius, keeps the nearest of too many, counts the loop", async () => {
    const line = Float32Array.of(0, 1, 2, 3, 10);
    const edges = (options: object) => radiusGraph(line, { dimensionality: 1, radius: 2, ...options });
    expect(await edges({})).toEqual(Int32Array.of(0, 1, 1, 0, 2, 2, 1, 3, 3, 2, 4, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4));
    expect(await edges({ maxNeighbors: 2 })).toEqual(
      Int32Array.of(0, 1, 1, 0, 2, 1, 3, 2, 4, 0, 0, 1, 1, 2, 2, 3, 3, 4),
    );
    // The limit is 32 unless another is given.
    const many = await radiusGraph(new Float32Array(40), { dimensionality: 1, radius: 1 });
    expect(many.length).toBe(2 * 40 * 32);
    expect(await edges({ loop: false, maxNeighbors: 1 })).toEqual(Int32Array.of(1, 0, 1, 2, 0, 1, 2, 3));
  });
});

/** The nearest of the first points to one of them, in three dimensions. */
function nearest(positions: Float32Array, points: number, target: number, count: number): number[] {
  const squares = Float64Array.from({ length: points }, (_, source) => {
    const [x, y, z] = [0, 1, 2].map((axis) => positions[3 * source + axis] - positions[3 * target + axis]);
    return source === target ? Number.POSITIVE_INFINITY : x * x + y * y + z * z;
  });
  return Array.from(squares.keys())
    .sort((a, b) => squares[a] - squares[b] || a - b)
    .slice(0, count);
}

describe("knnGraph", () => {
  test("equals the result of a brute-force search, for any points", async () => {
    await fc.assert(
      fc.asyncProperty(
        clouds(250, [1, 2, 3, 4]),
        fc.constantFrom(0, 1, 8, 50, 1000),
        fc.boolean(),
        async (batch, k, loop) => {
          const { positions, offsets } = makeClouds(batch);
          const edges = await knnGraph(positions, { dimensionality: batch.dimensionality, offsets, k, loop });
          expectSame(edges, plainNeighbours(positions, batch.dimensionality, offsets, { maxNeighbors: k, loop }));
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });

  test("does not depend on the number of threads, and in a large cloud equals a search through all points", async () => {
    for (const kind of ["uniform", "coarseGrid"]) {
      const { positions, offsets } = makeClouds({ kind, dimensionality: 3, sizes: [9000, 1, 2000], seed: 3 });
      const one = await knnGraph(positions, { dimensionality: 3, offsets, k: 4, threads: 1 });
      const many = await knnGraph(positions, { dimensionality: 3, offsets, k: 4, threads: 4 });
      expectSame(many, one);
      for (let target = 0; target < 9000; target += 1009) {
        const found = Array.from(one.subarray(4 * target, 4 * target + 4));
        expect(found, `${kind}: ${target}`).toEqual(nearest(positions, 9000, target, 4));
      }
    }
  });

  test("finds the neighbours of many equal points without comparing all pairs", async () => {
    const count = 50000;
    const edges = await knnGraph(new Float32Array(2 * count), { dimensionality: 2, k: 3, loop: true });
    expectSame(
      edges,
      Int32Array.from({ length: 6 * count }, (_, edge) => (edge < 3 * count ? edge % 3 : Math.floor(edge / 3) - count)),
    );
  });
});
