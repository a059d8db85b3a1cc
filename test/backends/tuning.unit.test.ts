// Tuning: the choice among the measured tiles, the storage of a result for its adapter only, and a run of the measurement (on Dawn's
// null backend, whose clock stands still).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceInfo } from "../../src/backends/device.ts";
import { PipelineCache } from "../../src/backends/webgpu/pipelines.ts";
import { DEFAULT_TUNING, TILES } from "../../src/backends/webgpu/products.ts";
import { fastestTile, tuneProducts } from "../../src/backends/webgpu/tuning.ts";
import { openTuningStore } from "../../src/backends/webgpu/tuning-store.ts";
import { createDawn } from "../support/dawn.ts";

const info: DeviceInfo = {
  description: "a GPU",
  vendor: "someone",
  architecture: "",
  software: false,
  precision: "float32",
  maxBindingBytes: 2 ** 27,
  maxBufferBytes: 2 ** 28,
  features: ["timestamp-query"],
};

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "erwin-tuning-"));
  file = join(folder, "tuning.json");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

describe("the fastest tile", () => {
  const standard = TILES.findIndex((tile) => tile.rows === 128 && tile.columns === 64);
  const timesWith = (at: number, time: number) => TILES.map((_, i) => (i === at ? time : i === standard ? 1 : 2));

  it("is the one with the least time", () => expect(fastestTile(timesWith(2, 0.9))).toEqual(TILES[2]));
  it("is the default if another is faster only by noise", () =>
    expect(fastestTile(timesWith(2, 0.99))).toEqual(TILES[standard]));
  it("is the default if the clock stands still", () =>
    expect(fastestTile(TILES.map(() => Number.POSITIVE_INFINITY))).toEqual(TILES[standard]));
});

describe("what was measured", () => {
  const tuning = { tile: TILES[3], fewTiles: 7 };

  it("is found again for the same adapter and no other", () => {
    openTuningStore(info, file).write(tuning);
    openTuningStore({ ...info, description: "another" }, file).write({ ...tuning, tile: TILES[0] });
    expect(openTuningStore(info, file).read()).toEqual(tuning);
    expect(openTuningStore({ ...info, vendor: "no one" }, file).read()).toBeUndefined();
  });

  it.each(["", "no JSON", "[1]", "null", '{"x": 1}'])("is not found in a file that holds %j", (text) => {
    writeFileSync(file, text);
    expect(openTuningStore(info, file).read()).toBeUndefined();
  });

  it("is not used if it names a tile that does not exist", () => {
    openTuningStore(info, file).write({ ...tuning, tile: { rows: 7, columns: 64 } });
    expect(openTuningStore(info, file).read()).toBeUndefined();
  });
});

it("a device is measured once, and uses the stored result from then on", async () => {
  let gpu: GPU | undefined = await createDawn("backend=null", "enable-dawn-features=allow_unsafe_apis");
  const adapter = await gpu.requestAdapter();
  const device = await adapter!.requestDevice({ requiredFeatures: ["timestamp-query"] });
  const tuned = () => ({ gpu: device, pipelines: new PipelineCache(device), info: { ...info } });
  const first = tuned();
  const asked = vi.spyOn(first.pipelines, "get");
  await tuneProducts(first, file);
  expect(first.info.productTuning).toEqual(DEFAULT_TUNING);
  // The device has 16 KiB of workgroup memory, of which normalised rows in the largest tile would take 18.
  expect(device.limits.maxComputeWorkgroupStorageSize).toBe(16384);
  const measured = asked.mock.calls.map(([, { TILE_ROWS, TILE_COLUMNS }]) => `${TILE_ROWS} x ${TILE_COLUMNS}`);
  expect(measured).toEqual(["128 x 64", "64 x 64", "32 x 64"]);

  // With twice that memory, threads must have registers for the largest tile's sums.
  const roomy = Object.create(device, { limits: { value: { maxComputeWorkgroupStorageSize: 32768 } } });
  for (const fewRegisters of [false, true]) {
    const pipelines = { get: vi.fn(() => ({ compiling: Promise.reject(new Error("enough is known")) })) };
    const measuring = tuneProducts({ gpu: roomy, pipelines, info: { ...info, fewRegisters } } as never, "on");
    await expect(measuring).rejects.toThrow("enough is known");
    expect(pipelines.get).toHaveBeenCalledTimes(fewRegisters ? 3 : 4);
  }

  const kept = { tile: TILES[3], fewTiles: 7 };
  openTuningStore(info, file).write(kept);
  const second = tuned();
  await tuneProducts(second, file);
  expect(second.info.productTuning).toEqual(kept);
  const third = tuned();
  await tuneProducts(third, "off");
  expect(third.info.productTuning).toBeUndefined();
  expect(JSON.parse(readFileSync(file, "utf8"))).not.toEqual({});

  // Without a file, results are in localStorage, where the host has it; "on" measures in spite of them.
  const items = new Map<string, string>();
  const localStorage = { getItem: (key: string) => items.get(key) ?? null, setItem: items.set.bind(items) };
  vi.stubGlobal("localStorage", localStorage);
  vi.stubEnv("ERWIN_TUNE", undefined);
  openTuningStore(info, undefined).write(kept);
  const fourth = tuned();
  await tuneProducts(fourth);
  expect(fourth.info.productTuning).toEqual(kept);
  await tuneProducts(fourth, "on");
  expect(fourth.info.productTuning).toEqual(DEFAULT_TUNING);
  expect(openTuningStore(info, undefined).read()).toEqual(DEFAULT_TUNING);
  device.destroy();
  gpu = undefined;
});
