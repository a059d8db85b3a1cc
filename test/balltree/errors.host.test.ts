// Errors name what is wrong, and the threads remain usable afterwards.
import { buildBallTree, ConfigError, disposeThreads, InputError, knnGraph, OutOfMemoryError, radiusGraph } from "erwin";
import { expect, test, vi } from "vitest";
import { rejection } from "../support/rejection.ts";

const positions = Float32Array.from({ length: 30 }, (_, k) => Math.sin(k));
const points = { dimensionality: 3 };

test("input errors name the first offending row", async () => {
  const cases: [object, number, RegExp][] = [
    [{ batchIdx: [0, 0, 0, 1, 1, 0, 1, 1, 1, 1] }, 5, /batchIdx\[5\] is 0 after 1/],
    [{ batchIdx: [0, 0, 0, 1, 1, 3, 3, 3, 3, 3] }, 5, /batchIdx\[5\] is 3 after 1/],
    [{ batchIdx: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1] }, 0, /begins with 1/],
    // -1 marks points that belong nowhere in other libraries; here they were left out in silence.
    [{ batchIdx: [-1, -1, 0, 0, 0, 1, 1, 1, 1, 1] }, 0, /begins with -1/],
    [{ batchIdx: [0, 0, 0] }, 3, /3 entries, expected one for each of the 10 points/],
    [{ offsets: [0, 4, 4, 10] }, 4, /Cloud 1 is empty/],
    [{ offsets: [0, 4, 9] }, 9, /ends with 9, expected the number of points, 10/],
    [{ dimensionality: 4 }, 7, /positions has 30 numbers, expected a multiple of 4: row after row/],
  ];
  for (const [options, row, message] of cases) {
    const found = await rejection(buildBallTree(positions, { ...points, ...options }), InputError);
    expect(found.details.row).toBe(row);
    expect(found.message).toMatch(message);
  }
  expect((await rejection(buildBallTree(new Float32Array(0), points), InputError)).details.row).toBe(0);
});

test("a coordinate that is not finite is found, in trees and graphs, by any number of threads", async () => {
  const large = Float32Array.from({ length: 3 * 40000 }, (_, k) => Math.sin(k));
  large[3 * 39999] = Number.NEGATIVE_INFINITY;
  large[3 * 23456 + 2] = Number.NaN;
  const oneCloud = [0, 40000];
  const manyClouds = Array.from({ length: 41 }, (_, cloud) => cloud * 1000);
  for (const [threads, offsets] of [
    [1, oneCloud],
    [4, oneCloud],
    [4, manyClouds],
  ] as const) {
    const options = { ...points, threads, offsets };
    for (const build of [
      buildBallTree(large, options),
      knnGraph(large, { ...options, k: 1 }),
      radiusGraph(large, { ...options, radius: 0.1 }),
    ]) {
      const found = await rejection(build, InputError);
      expect(found.details.row).toBe(23456);
      expect(found.message).toContain("NaN");
    }
  }
});

test("config errors name the field", async () => {
  const tree = { strides: [2], ballSizes: [8, 8], rotate: 45 };
  const cases: [Promise<unknown>, string][] = [
    [buildBallTree(positions, { ...points, ...tree, strides: [3] }), "strides"],
    [buildBallTree(positions, { ...points, ...tree, ballSizes: [8, 0] }), "ballSizes"],
    [buildBallTree(positions, { ...points, ...tree, ballSizes: [8] }), "ballSizes"],
    [buildBallTree(positions, { ...points, rotate: 45 }), "ballSizes"],
    [buildBallTree(positions, { ...points, ...tree, rotate: Number.NaN }), "rotate"],
    [buildBallTree(positions, { ...tree, dimensionality: 5 }), "rotate"],
    [buildBallTree(positions, { dimensionality: 0 }), "dimensionality"],
    [buildBallTree(positions, { ...points, threads: 0.5 }), "threads"],
    [knnGraph(positions, { ...points, k: 1, threads: 10_000 }), "threads"],
    [radiusGraph(positions, { ...points, radius: Number.NaN }), "radius"],
    [radiusGraph(positions, { ...points, radius: "1" as never }), "radius"],
    [radiusGraph(positions, { ...points, radius: 1, maxNeighbors: -1 }), "maxNeighbors"],
    [knnGraph(positions, { ...points, k: 1.5 }), "k"],
    [knnGraph(positions, { ...points, k: 1, loop: "false" as never }), "loop"],
    [radiusGraph(positions, { ...points, radius: 1, loop: 0 as never }), "loop"],
  ];
  for (const [promise, field] of cases) {
    const found = await rejection(promise, ConfigError);
    expect(found.details.field).toBe(field);
  }
});

test("calls made at the same time, and after disposeThreads, give the same tree", async () => {
  const { treeIdx } = await buildBallTree(positions, points);
  const large = Float32Array.from({ length: 60000 }, (_, k) => Math.sin(k));
  const others = [1, 2, 3].map((threads) => buildBallTree(large, { ...points, threads }));
  const calls = Array.from({ length: 5 }, () => buildBallTree(positions, points));
  const disposed = disposeThreads();
  const after = await buildBallTree(positions, points);
  for (const tree of [...(await Promise.all(calls)), after]) expect(tree.treeIdx).toEqual(treeIdx);
  const [one, two, three] = await Promise.all(others);
  expect(two.treeIdx).toEqual(one.treeIdx);
  expect(three.treeIdx).toEqual(one.treeIdx);
  await disposed;
});

test("threads for whose stacks the host has no memory are told of, and start once it has", async () => {
  const { treeIdx } = await buildBallTree(positions, points);
  await disposeThreads();
  const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
    throw new RangeError("Unable to grow instance memory");
  });
  const refused = rejection(buildBallTree(positions, points), OutOfMemoryError);
  await refused.finally(() => grow.mockRestore());
  expect((await buildBallTree(positions, points)).treeIdx).toEqual(treeIdx);
});
