// Pictures of loss curves of any length, and without any finite loss.

import { expect, it } from "vitest";
import { drawCurves } from "../../src/cli/pictures/curve.ts";

it("draws 200,000 points", () => {
  const points = Array.from({ length: 200_000 }, (_, step) => [step, 1 / (1 + step)] as const);
  expect(drawCurves("long", [{ name: "training", points }]).match(/ /g)!.length).toBeGreaterThan(200_000);
});

it("leaves out what is not finite, and may have nothing to draw", () => {
  const points = [[1, Number.NaN] as const, [2, Number.POSITIVE_INFINITY] as const];
  for (const svg of [drawCurves("broken", [{ name: "training", points }]), drawCurves("empty", [])]) {
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});

it("marks a narrow range finely, a wide one by powers of ten", () => {
  const marks = (losses: number[]) => {
    const points = losses.map((loss, step) => [step, loss] as const);
    const svg = drawCurves("scale", [{ name: "training", points }]);
    return [...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, mark]) => mark);
  };
  expect(marks([1.13, 0.82])).toEqual(["0.5", "1", "2"]);
  expect(marks([0.9, 0.00018])).toEqual(["1e-4", "0.001", "0.01", "0.1", "1"]);
  expect(marks([1, 1])).toEqual(["1", "2"]);
});

it("names baselines that lie together in one place", () => {
  const svg = drawCurves(
    "names",
    [{ name: "training", points: [[1, 0.5]] }],
    [
      { name: "mean", loss: 0.98 },
      { name: "zero", loss: 0.99 },
      { name: "persistence", loss: 5 },
    ],
  );
  expect([...svg.matchAll(/>([a-z, ]+)<\/text>/g)].map(([, text]) => text)).toEqual(
    expect.arrayContaining(["persistence", "zero, mean"]),
  );
});
