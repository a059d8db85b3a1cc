// Finds the tile in which a GPU's matrix products are fastest, by measuring each once in the background. Tiles never change a
// product's bits, so the result may arrive at any time and a program need not wait for it.

import { environmentVariable } from "../../host/environment.ts";
import type { DeviceInfo, Tile } from "../device.ts";
import { Allocations } from "./allocations.ts";
import { bufferUsage, mapMode } from "./constants.ts";
import { nudged } from "./nudge.ts";
import type { Pipeline, PipelineCache } from "./pipelines.ts";
import { DEFAULT_TUNING, hasRegisters, productCut, sameTile, TILES, tileBytes } from "./products.ts";
import { openTuningStore } from "./tuning-store.ts";

/** The parts of a device that tuning needs. */
export interface TunedDevice {
  readonly gpu: GPUDevice;
  readonly pipelines: PipelineCache;
  readonly info: DeviceInfo;
}

/** The product that is measured: large enough for all tiles; it takes some tenths of a millisecond on a fast GPU. */
const PRODUCT = { rows: 16_384, columns: 512, inner: 256 };
/** The milliseconds of one measurement, long enough for clocks that are rounded to 0.1 ms. */
const MEASURED = 5;
const MAX_REPETITIONS = 32;
/** If one product takes more milliseconds than this, measuring would block the device for seconds, and is left out. */
const SLOW = 100;
const ROUNDS = 3;
/** A tile replaces the default only if it is faster by this factor, which excludes noise. */
const GAIN = 1.02;

/**
 * Sets the device's tile to the stored one of its adapter, or measures it. A device without timestamps keeps the default.
 * @param mode "off", "on" (measure even if there is a stored result), or the file of the stored results
 */
export async function tuneProducts(device: TunedDevice, mode = environmentVariable("ERWIN_TUNE")): Promise<void> {
  const { info } = device;
  if (mode === "off" || info.software || !info.features.includes("timestamp-query")) return;
  const store = openTuningStore(info, mode);
  const stored = mode === "on" ? undefined : store.read();
  info.productTuning = stored ?? { ...DEFAULT_TUNING, tile: fastestTile(await measureTiles(device)) };
  if (!stored) store.write(info.productTuning);
}

/** @param times the milliseconds of each of TILES; infinite for those that could not be measured */
export function fastestTile(times: readonly number[]): Tile {
  const standard = TILES.findIndex((tile) => sameTile(tile, DEFAULT_TUNING.tile));
  const fastest = times.indexOf(Math.min(...times));
  return TILES[times[fastest] * GAIN < times[standard] ? fastest : standard];
}

async function measureTiles(device: TunedDevice): Promise<number[]> {
  const times = TILES.map(() => Number.POSITIVE_INFINITY);
  const { maxComputeWorkgroupStorageSize } = device.gpu.limits;
  const candidates = TILES.flatMap((tile, i) =>
    tileBytes(tile) <= maxComputeWorkgroupStorageSize && hasRegisters(device.info, tile)
      ? [{ i, each: candidate(device, tile) }]
      : [],
  );
  await Promise.all(candidates.map(({ each }) => each.pipeline.compiling));
  const clock = new Clock(device.gpu);
  try {
    await clock.allocations.verified();
    const first = await clock.time(candidates[0].each, 1);
    if (first > SLOW) return times;
    const repetitions = Math.min(MAX_REPETITIONS, Math.ceil(MEASURED / Math.max(first, 0.01)));
    for (let round = 0; round < ROUNDS; round++) {
      for (const { i, each } of candidates) {
        const time = await clock.time(each, repetitions);
        // Times of 0 or less come from a clock that stood still or went backwards.
        if (time > 0) times[i] = Math.min(times[i], time);
      }
    }
    return times;
  } finally {
    clock.dispose();
  }
}

interface Candidate {
  pipeline: Pipeline;
  groups: number;
}

/** Makes linear.wgsl without any optional inputs, in one tile. */
function candidate(device: TunedDevice, tile: Tile): Candidate {
  const { rows, columns, inner } = PRODUCT;
  const shape = { rows, columns, inner, widths: [columns, inner] };
  const { fewRegisters } = device.info;
  const { constants, tiles } = productCut(shape, {
    software: false,
    fewRegisters,
    productTuning: { tile, fewTiles: 0 },
  });
  const pipeline = device.pipelines.get("linear", {
    TRANSPOSED: 0,
    HALF_X: 0,
    COLUMN_NORM: 0,
    ...constants,
  });
  return { pipeline, groups: tiles };
}

/** Runs a candidate between two timestamps, on its own arrays. */
class Clock {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #readback: GPUBuffer;
  readonly #parameters: GPUBuffer;
  readonly #arrays: GPUBuffer[];

  /** Of its own: whether there is memory for measuring is no concern of the device's users. */
  readonly allocations: Allocations;

  constructor(readonly gpu: GPUDevice) {
    const { rows, columns, inner } = PRODUCT;
    const { STORAGE, UNIFORM, QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = bufferUsage;
    this.allocations = new Allocations(gpu);
    const make = (size: number, usage: number) => this.allocations.buffer({ size, usage }, "measuring tiles");
    this.#queries = this.allocations.timestamps(2);
    this.#resolved = make(16, QUERY_RESOLVE | COPY_SRC);
    this.#readback = make(16, MAP_READ | COPY_DST);
    this.#parameters = make(256, UNIFORM | COPY_DST);
    this.#arrays = [rows * inner, columns * inner, rows * columns].map((length) => make(length * 4, STORAGE));
  }

  /** Returns the mean milliseconds of `repetitions` runs. */
  async time({ pipeline, groups }: Candidate, repetitions: number): Promise<number> {
    const { gpu } = this;
    const [x, weight, y] = this.#arrays as [GPUBuffer, GPUBuffer, GPUBuffer];
    const { rows, columns, inner } = PRODUCT;
    const sizes: Record<string, number> = { rows, columns, inner, weight_stride: inner };
    const values = pipeline.source.parameters.map(({ name }) => sizes[name] ?? 0);
    gpu.queue.writeBuffer(this.#parameters, 0, new Uint32Array(values));
    const bindGroup = gpu.createBindGroup({
      layout: pipeline.layout,
      entries: [
        { binding: 0, resource: { buffer: this.#parameters, size: 256 } },
        // Arrays that this product does not have are bound to the weight, and not read.
        ...pipeline.source.bindings.map(({ name, binding }) => ({
          binding,
          resource: { buffer: name === "x" ? x : name === "y" ? y : weight },
        })),
      ],
    });
    const encoder = gpu.createCommandEncoder();
    const querySet = this.#queries;
    // The first run raises the clock rate of an idle GPU, and does not count.
    for (const [runs, timestampWrites] of [
      [1, undefined],
      [repetitions, { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 }],
    ] as const) {
      const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
      pass.setPipeline(pipeline.pipeline!);
      pass.setBindGroup(0, bindGroup, [0]);
      for (let i = 0; i < runs; i++) pass.dispatchWorkgroups(groups);
      pass.end();
    }
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#readback, 0, 16);
    gpu.queue.submit([encoder.finish()]);
    await nudged(gpu.queue, this.#readback.mapAsync(mapMode.READ));
    const [start, end] = new BigUint64Array(this.#readback.getMappedRange());
    const time = Number(end - start) / 1e6 / repetitions;
    this.#readback.unmap();
    return time;
  }

  dispose(): void {
    for (const one of [this.#queries, this.#resolved, this.#readback, this.#parameters, ...this.#arrays]) one.destroy();
  }
}
