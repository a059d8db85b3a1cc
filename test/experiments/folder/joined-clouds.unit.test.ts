// Files of clouds of different sizes, one after the other: each is a sample, as if it were in a file of its own.

import fc from "fast-check";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { MemorySource } from "../../../src/experiments/data-source.ts";
import { resolveFolderConfig } from "../../../src/experiments/folder/config.ts";
import { findUnits } from "../../../src/experiments/folder/files.ts";
import { arrayFramesIn, FramesSource } from "../../../src/experiments/folder/frames.ts";
import { proposeConfig } from "../../../src/experiments/folder/propose.ts";
import { readSample } from "../../../src/experiments/folder/read-sample.ts";
import { survey } from "../../../src/experiments/folder/survey.ts";
import type { SafeTensorInput } from "../../../src/formats/bytes/elements.ts";
import { saveNpz } from "../../../src/formats/numpy/npz.ts";

const rule = { isSequence: false };
const npz = (arrays: Record<string, SafeTensorInput>) => saveNpz(new Map(Object.entries(arrays)));
const floats = (shape: number[], value: (i: number) => number) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
});

/** Clouds of these sizes, whose points' field counts all points, with a ring of edges in each, and its size as a number of the whole. */
function joined(sizes: readonly number[], name: string) {
  const starts = sizes.map((_, cloud) => sizes.slice(0, cloud).reduce((a, b) => a + b, 0));
  const points = sizes.reduce((a, b) => a + b, 0);
  const numbers = Int32Array.from(sizes.flatMap((size, cloud) => Array<number>(size).fill(cloud)));
  const sources = Int32Array.from({ length: points }, (_, i) => i);
  const targets = sources.map((i) => {
    const [start, size] = [starts[numbers[i]], sizes[numbers[i]]];
    return start + ((i - start + 1) % size);
  });
  return {
    positions: floats([points, 3], Math.sin),
    u: floats([points], (i) => i / 2),
    size: floats([sizes.length, 1], (cloud) => sizes[cloud]),
    [name]: { shape: [points], data: numbers },
    edge_index: { shape: [2, points], data: Int32Array.of(...sources, ...targets) },
  };
}

it("has the points, edges and numbers of each cloud", async () => {
  const config = resolveFolderConfig({ targets: ["u"], globals: ["size"], graph: "mesh" });
  const sizesOf = fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sizesOf, fc.constantFrom("batch_idx", "batch"), async (sizes, name) => {
      const frames = await arrayFramesIn(npz(joined(sizes, name)), "a.npz", rule);
      expect(frames).toHaveLength(sizes.length);
      let first = 0;
      for (const [cloud, { bytes, file }] of (frames ?? []).entries()) {
        const sample = await readSample(bytes, file, config);
        const own = Array.from({ length: sizes[cloud] }, (_, i) => i);
        expect([...sample.targets[0]!.data]).toEqual(own.map((i) => (first + i) / 2));
        expect([...sample.globals[0].data]).toEqual([sizes[cloud]]);
        expect([...sample.positions]).toEqual(
          own.flatMap((i) => [0, 1, 2].map((axis) => Math.fround(Math.sin(3 * (first + i) + axis)))),
        );
        const edges = sample.edges!;
        const pairs = Array.from({ length: edges.length / 2 }, (_, e) => [edges[e], edges[edges.length / 2 + e]]);
        expect(pairs.every(([a, b]) => (a + 1) % own.length === b || (b + 1) % own.length === a)).toBe(true);
        expect(new Set(edges)).toEqual(new Set(own));
        first += own.length;
      }
    }),
    { numRuns: 20 },
  );
});

it("is proposed for, and found in folders", async () => {
  const source = new MemorySource(new Map([["a.npz", npz(joined([5, 3, 4], "batch_idx"))]]), "data");
  const text = proposeConfig(await survey(source), "data");
  expect(text).toContain("3 frames in .npz files of 3 to 5 points");
  expect(parse(text)).toMatchObject({ targets: { u: {} }, globals: { size: {} } });
  const units = await findUnits(new FramesSource(source, rule), { sequence: false });
  expect(units.map(({ name }) => name)).toEqual(["a.npz/0.npz", "a.npz/1.npz", "a.npz/2.npz"]);
});

it("that does not number clouds one after the other is refused, unless it may be a field; no cloud is read as part of another", async () => {
  const arrays = joined([2, 3], "batch_idx");
  const numbered = (...numbers: number[]) => ({ ...arrays, batch_idx: { shape: [5], data: Int32Array.from(numbers) } });
  await expect(arrayFramesIn(npz(numbered(0, 1, 0, 1, 1)), "a.npz", rule)).rejects.toThrow(
    'a.npz: array "batch_idx", row 2: is 0, expected the numbers of clouds, 0, 1, 2, ..., each for all of its points in succession.',
  );
  await expect(arrayFramesIn(npz(numbered(0, 0, 0, 1, 1)), "a.npz", rule)).rejects.toThrow(
    "a.npz:edge_index: 2 joins points of the clouds 0 and 1.",
  );
  const { batch_idx: _, ...others } = arrays;
  const field = { ...others, batch: { shape: [5], data: Int32Array.of(7, 3, 3, 9, 7) } };
  expect(await arrayFramesIn(npz(field), "a.npz", rule)).toBeUndefined();
  const config = resolveFolderConfig({ targets: ["u"] });
  await expect(readSample(npz(arrays), "a.npz", config)).rejects.toThrow(
    'a.npz: holds 2 clouds by its "batch_idx", expected one: write each to a file of its own, or those of all samples to .npz files.',
  );
  expect((await readSample(npz(numbered(0, 0, 0, 0, 0)), "a.npz", config)).points).toBe(5);
});
