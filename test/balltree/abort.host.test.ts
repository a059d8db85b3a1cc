// A signal ends trees and graphs: the one that runs and those that wait.
import { buildBallTree, InputError, knnGraph, radiusGraph } from "erwin";
import { expect, test } from "vitest";
import { rejection } from "../support/rejection.ts";

const positions = Float32Array.from({ length: 300 }, (_, k) => Math.sin(k));
const points = { dimensionality: 3 };
// In more than three dimensions, all pairs are compared: this would take minutes.
const many = Float32Array.from({ length: 5 * 300_000 }, (_, k) => Math.sin(k));

test("an abort ends what runs and what waits, and later calls are sound", async () => {
  const before = await buildBallTree(positions, points);
  const controller = new AbortController();
  const { signal } = controller;
  const graph = rejection(knnGraph(many, { dimensionality: 5, k: 4, signal }));
  const tree = rejection(buildBallTree(positions, { ...points, signal }));
  const other = buildBallTree(positions, points);
  setTimeout(() => controller.abort(), 50);
  for (const error of await Promise.all([graph, tree])) {
    expect(error).toBe(signal.reason);
    expect(error.name).toBe("AbortError");
  }
  expect(await other).toEqual(before);
  expect(await buildBallTree(positions, { ...points, signal: new AbortController().signal })).toEqual(before);
});

test("a call whose signal is aborted does not begin, and rejects with the reason given", async () => {
  const wanted = new Error("no longer wanted");
  const signal = AbortSignal.abort(wanted);
  expect(await rejection(radiusGraph(positions, { ...points, radius: 1, signal }))).toBe(wanted);
  const noSignal = rejection(buildBallTree(positions, { ...points, signal: {} as AbortSignal }));
  expect(await noSignal).toBeInstanceOf(InputError);
});
