// The benchmark page's results: links that carry them, files that are opened, scores, digits.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "fflate";
import { expect, test, vi } from "vitest";
import type { BenchCase, BenchResult, DeviceName } from "../../src/bench/index.ts";
import { root } from "../../src/build/steps.mjs";
import { entryOf, keyOf, readEntry } from "../../src/pages/benchmark/entry.ts";
import { nameGpus } from "../../src/pages/benchmark/graphics.ts";
import { intervalText, timeText } from "../../src/pages/benchmark/interval.ts";
import { linkTo, pack, unpack } from "../../src/pages/benchmark/link.ts";
import { scoreOf } from "../../src/pages/benchmark/score.ts";

const timing = (median: number) => {
  const [low, high] = [0.97 * median, 1.02 * median];
  return { median, low, high, best: low, repetitions: 15, interval: { low, high } };
};

/** As large as a result of the full benchmark gets: every case measured on three devices. */
function fullResult(factor: number): BenchResult {
  let number = 0;
  // Digits without a pattern, which compress badly.
  const time = () => timing(factor * 10 ** (1 + 2 * Math.sin(++number) ** 2) * (1 + Math.cos(7 * number) / 9));
  const cases: BenchCase[] = [];
  for (const [clouds, points] of [
    [16, 1024],
    [16, 4096],
    [1, 65536],
    [1, 262144],
  ] as const) {
    for (const threads of [1, 8]) {
      const name = `tree ${clouds} x ${points}, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
      cases.push({ name, benchmark: "tree", clouds, points, threads, time: time() });
    }
  }
  for (const kind of ["knn", "radius"]) {
    for (const [clouds, points] of [
      [16, 1024],
      [1, 65536],
    ] as const) {
      for (const [threads, suffix] of [
        [1, ", 1 thread"],
        [8, ""],
      ] as const) {
        const name = `graph ${kind} ${clouds} x ${points}${suffix}`;
        cases.push({ name, benchmark: "graph", clouds, points, threads, time: time() });
      }
    }
  }
  const names: DeviceName[] = ["webgpu", "cpu", "webgpu mixed"];
  for (const device of names) {
    for (const benchmark of ["forward", "training"] as const) {
      for (const [clouds, points] of [
        [1, 1024],
        [1, 4096],
        [1, 16384],
        [1, 65536],
        [16, 1024],
        [16, 4096],
        [16, 16384],
      ] as const) {
        const own = time();
        const host = { prepare: timing(1), graph: timing(2) };
        const memory = { peak: 1, estimate: 1, grown: 0, buffersCreated: 0 };
        const gigaflops = 1e4 / own.median;
        const floor = { time: own.median * 0.4, reached: 0.4 };
        const pass = { first: 1, operations: 1e9, bytes: 1e8, gigaflops, floor, memory, ...host };
        const name = `${benchmark} ${clouds} x ${points}, 32 channels, ${device}`;
        cases.push({ name, benchmark, clouds, points, channels: 32, device, time: own, pass });
      }
    }
  }
  const limits = {
    vendor: "nvidia",
    architecture: "lovelace",
    software: false,
    maxBindingBytes: 2 ** 31,
    maxBufferBytes: 2 ** 31,
    features: [],
  };
  return {
    format: "erwin-bench-1",
    version: "0.1.0",
    host: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
    date: "2026-11-27T01:02:03.000Z",
    rounds: { rounds: 15, void: 2, slowdown: 1.0123 },
    machine: { cores: 16, threads: 8, shared: true, memory: 2 ** 33, clockQuantum: 0.005 },
    devices: names.map((name) => ({
      name,
      description: {
        backend: name === "cpu" ? "cpu" : "webgpu",
        description: name === "cpu" ? "CPU, 8 threads, WebAssembly" : "NVIDIA GeForce RTX 4070 Laptop GPU",
        precision: name === "webgpu mixed" ? "mixed" : "float32",
        ...limits,
      },
      memory: 2 ** 30,
      floors: { gigaflops: 14567.8 * factor, gigabytes: 234.56 },
      answer: { difference: 3.0483e-7, allowed: name === "webgpu mixed" ? 5e-3 : 1e-5, right: true },
    })),
    cases,
  };
}

test("a GPU that WebGPU does not name has the name that WebGL tells, and no other device has", () => {
  const result = fullResult(1);
  const named = result.devices!.map(({ description }) => description!.description);
  const [gpu, cpu, mixed] = result.devices!;
  Object.assign(gpu!.description!, { description: "unnamed GPU", vendor: "" });
  Object.assign(mixed!.description!, { vendor: "nvidia" });
  const names = (known?: string) =>
    nameGpus(result, () => known).devices!.map((device) => device.description!.description);
  const renderer = "NVIDIA GeForce GTX 980, or similar";
  expect(names(renderer)).toEqual([`unnamed GPU (WebGL: ${renderer})`, cpu!.description!.description, named[2]]);
  expect(names()).toEqual(["unnamed GPU", ...named.slice(1)]);
  Object.assign(gpu!.description!, { description: "software adapter", software: true });
  expect(names(renderer)[0]).toBe("software adapter");
});

test("a link of under 1.5 kB carries a whole result", async () => {
  vi.stubGlobal("location", { href: "https://example.org/some/folder/benchmark.html?quick#old" });
  try {
    const entry = entryOf(fullResult(1.2345), "this", "this");
    const link = await linkTo(entry);
    expect(link.length).toBeLessThan(1500);
    const back = await unpack(new URL(link).hash.slice("#result=".length));
    const originals = new Map(entry.measures.map((measure) => [keyOf(measure), measure]));
    expect(back.measures.map(keyOf).sort()).toEqual([...originals.keys()].sort());
    for (const measure of back.measures) {
      const original = originals.get(keyOf(measure))!;
      expect(Math.abs(measure.time!.median / original.time!.median - 1)).toBeLessThan(1e-3);
      expect(measure.time!.interval!.low).toBeLessThanOrEqual(original.time!.interval!.low * 1.001);
      expect(measure.time!.interval!.high).toBeGreaterThanOrEqual(original.time!.interval!.high * 0.999);
      if (original.gigaflops) expect(Math.abs(measure.gigaflops! / original.gigaflops - 1)).toBeLessThan(5e-3);
      expect(measure.reached).toBe(original.reached);
    }
    expect(back.title).toBe(entry.title);
    expect(back.detail).toBe(entry.detail);
    expect(back.result!.machine).toEqual(entry.result!.machine);
    expect(back.devices.map(({ answer }) => answer?.right)).toEqual([true, true, true]);
    expect(back.devices.map(({ memory }) => memory)).toEqual(entry.devices.map(({ memory }) => memory));
  } finally {
    vi.unstubAllGlobals();
  }
});

test("a link carries a device that computed no number at all", async () => {
  const result = fullResult(1);
  result.devices![0]!.answer = { difference: Number.MAX_VALUE, allowed: 1e-5, right: false };
  const back = await unpack(await pack(entryOf(result, "this", "this")));
  expect(back.devices[0]!.answer).toEqual({ difference: Number.MAX_VALUE, allowed: 1e-5, right: false });
});

test("a damaged link says so", async () => {
  await expect(unpack("AAAA")).rejects.toThrow("The link is damaged");
  await expect(unpack("%%%")).rejects.toThrow("The link is damaged");
  // A result that would be valid, but unpacks to 30 MB of spaces.
  const bomb = deflateSync(new TextEncoder().encode(`[1,"","",0,[],[],[],[]${" ".repeat(30e6)}]`));
  await expect(unpack(Buffer.from(bomb).toString("base64url"))).rejects.toThrow("The link is damaged");
  const small = deflateSync(new TextEncoder().encode('[1,"","",0,[],[],[],[]]'));
  expect((await unpack(Buffer.from(small).toString("base64url"))).measures).toEqual([]);
  const short = deflateSync(new TextEncoder().encode('[1,"","",0]'));
  await expect(unpack(Buffer.from(short).toString("base64url"))).rejects.toThrow("The link is damaged");
});

test("the repository's results can be opened, and other files are refused by name", () => {
  const text = readFileSync(join(root, "src/bench/results/nvidia-h200.json"), "utf8");
  const entry = readEntry(text, "nvidia-h200.json", "file");
  expect(entry.title).toBe("NVIDIA H200");
  const keys = entry.measures.map(keyOf);
  expect(keys).toContain("forward 16 x 1024, 32 channels, webgpu");
  expect(keys).toContain("forward 16 x 1024, 32 channels, webgpu mixed");
  expect(new Set(keys).size).toBe(keys.length);
  const timed = { name: "forward 1 x 8", benchmark: "forward", points: 8, clouds: 1, time: timing(1) };
  const result = { format: "erwin-bench-1", host: "Deno", date: "2026-11-28", cases: [timed] };
  const texts = [
    { ...result, devices: 5 },
    { ...result, devices: [null] },
    { ...result, devices: [{ name: "cpu", answer: {} }] },
    { ...result, devices: [{ name: "cpu", floors: { gigaflops: 1 } }] },
    { ...result, machine: { cores: 2 } },
    { ...result, rounds: {} },
    { ...result, cases: [{ ...timed, time: null }] },
    { ...result, cases: [{ ...timed, time: { median: 1, interval: { low: "0.9", high: 2 } } }] },
    { ...result, cases: [{ ...timed, pass: { gigaflops: "8" } }] },
  ].map((other) => JSON.stringify(other));
  const formats = ["null", "[]", "{}", '{"format":"erwin-bench-1"}', '{"format":"erwin-machine-1","erwin":[]}'];
  for (const other of ["", ...formats, ...texts])
    expect(() => readEntry(other, "a.json", "file"), other).toThrow("a.json");
});

test("the score is relative to the reference; what computes wrongly does not count", () => {
  const reference = entryOf(fullResult(2), "committed", "reference");
  expect(scoreOf(reference, reference)!.ratio).toBeCloseTo(1, 10);
  const faster = entryOf(fullResult(1), "this", "this");
  const score = scoreOf(faster, reference)!;
  expect(score.ratio).toBeCloseTo(2, 10);
  expect(score.parts.map(({ title }) => title)).toEqual(["Trees", "Graphs", "Forward", "Training"]);
  const result = fullResult(1);
  for (const device of result.devices!) device.answer!.right = false;
  const wrong = scoreOf(entryOf(result, "this", "this"), reference)!;
  expect(wrong.parts.map(({ title }) => title)).toEqual(["Trees", "Graphs"]);
});

test("digits that the interval does not support are cut", () => {
  const shown = (median: number, low: number, high: number) => {
    const time = { median, interval: { low, high } };
    return [timeText(time), intervalText(time)];
  };
  expect(shown(12.3456, 12.28, 12.41)).toEqual(["12.3 ms", "12.3 – 12.4"]);
  expect(shown(12.3456, 10.2, 15.1)).toEqual(["12 ms", "10 – 15"]);
  expect(shown(0.98765, 0.981, 0.994)).toEqual(["0.99 ms", "0.98 – 0.99"]);
  expect(shown(1234.5, 1230, 1250)).toEqual(["1.23 s", "1.23 – 1.25"]);
  expect(shown(0.4321, 0.2, 2.5)).toEqual(["0.4 ms", "0.2 – 2.5"]);
  expect(timeText({ median: 12.3456 })).toBe("12.3 ms");
});
