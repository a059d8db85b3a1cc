// Learning rates against torch's recurrences and against values computed by hand.

import { describe, expect, test } from "vitest";
import { learningRate, type Schedule } from "../../src/train/optimizer/schedules.ts";

describe("learningRate", () => {
  test("of cosine annealing follows CosineAnnealingLR's recurrence", () => {
    const [lr, minLr, steps] = [5e-4, 1e-6, 37];
    let expected = lr;
    for (let step = 0; step <= steps; step++) {
      expect(learningRate({ kind: "cosine", lr, minLr, steps }, step)).toBeCloseTo(expected, 12);
      const [now, next] = [step, step + 1].map((t) => 1 + Math.cos((Math.PI * t) / steps));
      expected = (next / now) * (expected - minLr) + minLr;
    }
  });

  test("of cosine annealing begins at lr, ends at minLr and stays there", () => {
    const schedule: Schedule = { kind: "cosine", lr: 1, minLr: 0.1, steps: 10 };
    expect(learningRate(schedule, 0)).toBe(1);
    expect(learningRate(schedule, 5)).toBeCloseTo(0.55, 15);
    expect(learningRate(schedule, 10)).toBe(0.1);
    expect(learningRate(schedule, 25)).toBe(0.1);
  });

  test("grows in equal parts while it warms up, then anneals over the rest", () => {
    const schedule: Schedule = { kind: "cosine", lr: 1, steps: 12, warmup: 4 };
    const rates = Array.from({ length: 5 }, (_, step) => learningRate(schedule, step));
    expect(rates).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(learningRate(schedule, 8)).toBeCloseTo(0.5, 15);
    expect(learningRate(schedule, 12)).toBe(0);
  });

  test("of a constant schedule is constant", () => {
    expect(learningRate({ kind: "constant", lr: 3e-4 }, 12_345)).toBe(3e-4);
  });

  test("names the invalid field", () => {
    expect(() => learningRate({ kind: "cosine", lr: 1, steps: 4, warmup: 4 }, 0)).toThrow(/steps.*not 4/);
    expect(() => learningRate({ kind: "cosine", lr: 1, steps: 4, warmup: 0.1 }, 0)).toThrow(/warmup.*not 0.1/);
    expect(() => learningRate({ kind: "constant", lr: -1 }, 0)).toThrow(/lr.*not -1/);
    expect(() => learningRate({ kind: "cosine", lr: 1, minLr: Number.NaN, steps: 4 }, 0)).toThrow(/minLr.*not NaN/);
    expect(() => learningRate({ kind: "linear", lr: 1 } as unknown as Schedule, 0)).toThrow(/kind.*"linear"/);
  });
});
