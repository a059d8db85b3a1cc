// Loss curves of any length, and without any finite loss.

import { expect, it } from "vitest";
import { drawCurves } from "../../src/cli/curve.ts";

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
