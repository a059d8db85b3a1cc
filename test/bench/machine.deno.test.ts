// Measures this machine in a small run on the CPU. Steps that are impossible here are reported, and the others run.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { MachineResult } from "../../src/bench/machine/result.ts";
import { temporaryFolder } from "../cli/command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);

const script = fileURLToPath(new URL("../../src/bench/machine/measure.ts", import.meta.url));
const measure = (...words: string[]) =>
  spawnSync(process.execPath, ["run", "-A", script, ...words], { encoding: "utf8", timeout: 280_000 });

test("steps that fail say why, and the others go on", () => {
  const size = ["--points", "64,32", "--clouds", "2", "--channels", "8", "--backend", "cpu", "--seconds", "180"];
  const { status, stderr } = measure("--out", path("new/a.json"), ...size, "--only", "mixed,dawn,trees,forward");
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining("float32 only") });

  const result: MachineResult = JSON.parse(readFileSync(path("new/a.json"), "utf8"));
  expect(result).toMatchObject({ format: "erwin-machine-1", clouds: 2, points: [32, 64], channels: 8, pytorch: [] });
  expect(result.steps.map(({ name, problem }) => [name, problem])).toEqual([
    ["mixed", "the CPU backend computes in float32 only: leave precision out"],
    ["dawn", "this is for --host deno --backend webgpu with the npm package webgpu"],
    ["trees", undefined],
    ["forward", undefined],
  ]);
  const [trees, graphs, forward] = result.erwin;
  expect(forward).toMatchObject({ device: { backend: "cpu" }, cases: [{ points: 32 }, { points: 64 }] });
  expect(forward.cases.map(({ time, pass }) => [time && time.median > 0, !!pass?.profile])).toEqual([
    [true, true],
    [true, false],
  ]);
  expect([...trees.cases, ...graphs.cases].every(({ time }) => time && time.median > 0)).toBe(true);
});

test("on a page in Chromium", () => {
  const size = ["--points", "32", "--clouds", "2", "--channels", "8", "--backend", "cpu", "--seconds", "180"];
  const { status, stderr } = measure("--out", path("page.json"), ...size, "--only", "forward", "--host", "chromium");
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const { steps, erwin }: MachineResult = JSON.parse(readFileSync(path("page.json"), "utf8"));
  expect(steps).toMatchObject([{ name: "forward" }]);
  expect(erwin).toMatchObject([{ host: expect.stringMatching(/^Chromium \d/), device: { backend: "cpu" } }]);
  const { time, pass } = erwin[0].cases[0];
  expect([time && time.median > 0, pass?.profile?.some(({ operator }) => operator === "ballAttention")]).toEqual([
    true,
    true,
  ]);
});

test("its arguments are checked before anything is measured", () => {
  const { status, stderr } = measure("--out", path("b.json"), "--only", "forwards");
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^error: expected steps of forward, training, pytorch, compile, dawn, mixed, trees, compile-rest;/,
  );
});
