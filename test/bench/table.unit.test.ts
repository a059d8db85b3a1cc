// The README's tables of results: their format, and whether they are made from the committed results.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { MachineResult } from "../../src/bench/machine/result.ts";
import type { PyTorchRow } from "../../src/bench/peers/pytorch/run.mjs";
import type { BenchCase } from "../../src/bench/report/measurement.ts";
import type { BenchResult } from "../../src/bench/report/result.ts";
import { formatMachine, formatTables, readmePath, readResults } from "../../src/bench/results/table.mjs";
import { withResults } from "../../src/build/results.mjs";

const timing = (median: number) => ({ median, low: median, high: median, best: median, repetitions: 9 });

function erwinCase(points: number, median: number | undefined, note?: string): BenchCase {
  const name = `forward 16 x ${points}, 32 channels`;
  const size = { name, benchmark: "forward", clouds: 16, points } as const;
  if (median === undefined) return { ...size, note };
  const memory = { peak: 2 ** 21, estimate: 2 ** 21, grown: 0, buffersCreated: 0 };
  const host = { prepare: timing(1), graph: timing(1) };
  const floor = { time: median / 4, reached: 0.25 };
  const pass = { first: 1, gigaflops: 1, operations: 1, bytes: 1, floor, memory, ...host };
  return { ...size, time: timing(median), pass };
}

const toggles = ["some_toggle"];

const erwin = (precision: "float32" | "mixed", cases: BenchCase[], dawn?: { toggles: string[] }): BenchResult => ({
  format: "erwin-bench-1",
  version: "1.2.3",
  host: "Deno/2",
  date: "2026-01-02T03:04:05Z",
  device: {
    backend: "webgpu",
    description: "Some GPU",
    vendor: "",
    architecture: "",
    software: false,
    precision,
    maxBindingBytes: 1,
    maxBufferBytes: 1,
    features: [],
    dawn,
  },
  floors: { gigaflops: 51234, gigabytes: 2345 },
  cases,
});

const row = (points: number, variant: "eager" | "compile", precision: "strict" | "tf32", rest: Partial<PyTorchRow>) => {
  const size = { input: `16x${points}.safetensors`, clouds: 16, points };
  return { ...size, case: "forward", variant, precision, ...rest } as PyTorchRow;
};

const result: MachineResult = {
  format: "erwin-machine-1",
  date: "2026-01-02T03:04:05Z",
  machine: { processor: "Some CPU", cores: 16, memory: 1, system: "", nvidia: "Some GPU, 580.1" },
  clouds: 16,
  points: [1024, 4096, 32768],
  channels: 32,
  seconds: 540,
  steps: [
    { name: "forward", seconds: 1 },
    { name: "compile", seconds: 1, problem: "stopped after 100 s" },
  ],
  erwin: [
    erwin("float32", [
      erwinCase(1024, 1.2345),
      erwinCase(4096, 4),
      erwinCase(32768, undefined, "not measured: too large"),
    ]),
    erwin("float32", [erwinCase(1024, 3), erwinCase(4096, undefined, "not measured: too long")], { toggles }),
    erwin("mixed", [erwinCase(4096, 2)], { toggles }),
  ],
  pytorch: [
    {
      torch: "2.11",
      python: "3",
      device: "cuda",
      deviceName: "Some GPU",
      threads: 1,
      blas: "",
      rows: [
        row(1024, "eager", "strict", { unavailable: "16x1024.safetensors: balls are not full" }),
        row(1024, "eager", "tf32", { unavailable: "16x1024.safetensors: balls are not full" }),
        row(4096, "eager", "strict", { timing: timing(12), peakMemory: 2 ** 30 }),
        row(4096, "eager", "tf32", { timing: timing(6) }),
        row(4096, "compile", "strict", { timing: timing(8) }),
        row(32768, "eager", "strict", { unavailable: "out of memory" }),
      ],
    },
  ],
};

test("a machine's table: the fastest of the same precision compared, gaps explained, empty columns left out", () => {
  expect(formatMachine(result).split("\n")).toEqual([
    "**Some GPU** (at best 51,200 GFLOP/s and 2,350 GB/s): 32 channels; Some CPU, 16 cores; Some GPU, 580.1; erwin 1.2.3 in Deno/2; Dawn in Deno/2 with some_toggle; PyTorch 2.11 on Some GPU; 2026-01-02.",
    "",
    "| forward pass, ms | erwin | erwin, Dawn | erwin mixed, Dawn | PyTorch eager | PyTorch eager, TF32 | PyTorch compiled | PyTorch / erwin | TF32 / mixed | erwin, MiB | PyTorch eager, MiB | of roofline |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    "| 16 x 1024 | 1.23 | 3 | - | - | - | - | - | - | 2 | - | 25 % |",
    "| 16 x 4096 | 4 | - | 2 | 12 | 6 | 8 | 2.00 | 3.00 | 2 | 1,020 | 25 % |",
    "| 16 x 32768 | - | - | - | out of memory | - | - | - | - | - | - | - |",
    "",
    "Not measured: forward 16 x 32768, 32 channels: too large; forward 16 x 4096, 32 channels, Dawn: too long; PyTorch: balls are not full; step compile: stopped after 100 s.",
  ]);
});

test("a machine where nothing could be measured says why", () => {
  const steps = [{ name: "forward", seconds: 1, problem: "there is no adapter" }];
  const nothing = formatMachine({ ...result, steps, erwin: [], pytorch: [] });
  expect(nothing).toMatch(/^\*\*no device\*\*: .*\n\nNot measured: step forward: there is no adapter\.$/);
});

test("the README shows the results that are there (node src/bench/results/table.mjs)", () => {
  const readme = readFileSync(readmePath, "utf8");
  expect(withResults(readme, formatTables(readResults()))).toBe(readme);
});
