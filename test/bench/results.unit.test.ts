// Evaluation of measurements: exponents, the roofline, and the comparison of two results.

import { FormatError } from "erwin";
import { expect, test } from "vitest";
import type { Storage } from "../../src/backends/storage.ts";
import { operatorNeeds } from "../../src/bench/rates/operations.ts";
import { rooflineTime } from "../../src/bench/rates/roofline.ts";
import { fitExponent } from "../../src/bench/rates/scaling.ts";
import { compareResults, formatComparison } from "../../src/bench/report/compare.ts";
import type { BenchCase } from "../../src/bench/report/measurement.ts";
import { benchResult, type DeviceDescription, parseBenchResult } from "../../src/bench/report/result.ts";

const measured = (name: string, median?: number): BenchCase => ({
  name,
  benchmark: "forward",
  clouds: 1,
  points: 1,
  time: median === undefined ? undefined : { median, low: median, high: median, best: median, repetitions: 1 },
});

test("the exponent of a power law is found, noise that cancels aside", () => {
  const sizes = [1024, 4096, 16384, 65536];
  const law = (exponent: number, noise: number[]) =>
    fitExponent(sizes.map((size, i) => ({ size, time: 0.3 * size ** exponent * noise[i] })));
  expect(law(1.05, [1, 1, 1, 1])).toBeCloseTo(1.05, 10);
  expect(law(2, [1.1, 1 / 1.1, 1 / 1.1, 1.1])).toBeCloseTo(2, 10);
});

test("the least time is that of the arithmetic or of the memory, whichever takes longer", () => {
  const device = { gigaflops: 100, gigabytes: 10 };
  expect(rooflineTime({ operations: 2e9, bytes: 1e6 }, device)).toBeCloseTo(20);
  expect(rooflineTime({ operations: 2e6, bytes: 1e9 }, device)).toBeCloseTo(100);
});

test("what a linear map and its backward need, counted by hand", () => {
  const storage: Storage = { bytes: 0, slice: () => storage };
  const shape = { rows: 10, columns: 4, inner: 3, secondInner: 2 };
  expect(operatorNeeds.linear({ x: storage, weight: storage, bias: storage, y: storage, ...shape })).toEqual({
    operations: 2 * 10 * 4 * 5,
    bytes: 4 * (10 * 5 + 4 * 5 + 4 + 10 * 4),
  });
  const fresh = { storage, accumulate: false };
  const added = { storage, accumulate: true };
  const given = { gradient: storage, x: storage, second: storage, weight: storage, ...shape };
  expect(operatorNeeds.linearBackward({ ...given, into: { x: added, weight: fresh } })).toEqual({
    operations: 2 * 10 * 4 * 3 + 2 * 10 * 4 * 5,
    // Read: the gradient, the part of the weight that leads to x, both inputs. Read and written: x's gradient. Written: the weight's.
    bytes: 4 * (10 * 4 + 4 * 3 + 10 * 5 + 2 * 10 * 3 + 4 * 5),
  });
});

test("two results are compared case by case", () => {
  const a = benchResult([measured("x", 10), measured("y", 5), measured("z")]);
  const b = benchResult([measured("y", 10), measured("x", 5), measured("z", 1), measured("new", 1)]);
  expect(compareResults(a, b)).toEqual([
    { name: "x", a: 10, b: 5, ratio: 0.5 },
    { name: "y", a: 5, b: 10, ratio: 2 },
    { name: "z", a: undefined, b: 1, ratio: undefined },
    { name: "new", a: undefined, b: 1, ratio: undefined },
  ]);
  const device: Partial<DeviceDescription> = { backend: "webgpu", description: "GPU", dawn: { toggles: ["x", "y"] } };
  const onDawn = benchResult(b.cases, device as DeviceDescription);
  const comparison = formatComparison(a, onDawn);
  expect(comparison).toMatch(/^x +10\.00 ms +5\.00 ms +0\.50$/m);
  expect(comparison).toMatch(/^b: .*webgpu: GPU by Dawn with x, y,/m);
});

test("a result survives its file, and other files are refused by name", () => {
  const result = benchResult([measured("x", 10)]);
  expect(parseBenchResult(JSON.stringify(result), "a.json")).toEqual(JSON.parse(JSON.stringify(result)));
  for (const text of ["", "null", "{}", '{"format":"erwin-bench-1"}', '{"format":"erwin-bench-1","cases":[{}]}']) {
    let error: unknown;
    try {
      parseBenchResult(text, "a.json");
    } catch (thrown) {
      error = thrown;
    }
    expect((error as Error)?.name, text).toBe(FormatError.name);
    expect((error as Error).message).toContain("a.json is not a result of erwin bench: ");
  }
});
