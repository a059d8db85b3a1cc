// Trainings whose batches do not fit into the device's memory: checkpointing changes no bits, and parts of batches add up.

import {
  type Device,
  type FitOptions,
  fit,
  loadSafetensors,
  type MemoryPlan,
  mse,
  OutOfMemoryError,
  requestDevice,
  supervised,
  toFloat32,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { quickBackend } from "../support/models.ts";
import { type Cloud, flatConfig, makeClouds, makeModel } from "./training.ts";

/** A model without BatchNorm, so that clouds do not depend on each other, and deep, so that checkpointing saves much. */
const config = { ...flatConfig, encDepths: [6] };
/** The clouds have different sizes, so a mean over rows differs from a mean over clouds. */
const clouds = [420, 300, 180, 360].map((points, seed) => makeClouds(1, seed, points).clouds[0]);
const trainData = { size: clouds.length, load: (index: number) => clouds[index] };
const join = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));

function onAllocation(device: Device, act: (bytes: number) => void): void {
  const { allocate } = device;
  device.allocate = (bytes, shape) => {
    act(bytes);
    return allocate.call(device, bytes, shape);
  };
}
const devices: Device[] = [];
afterAll(() => {
  for (const device of devices) device.dispose();
});

/** Runs two steps with all four clouds, on a device with this memory limit. */
async function run(
  maxMemoryBytes?: number,
  options: Partial<FitOptions<Cloud, unknown>> = {},
  change?: (device: Device) => void,
) {
  const device = await requestDevice({ backend: quickBackend, maxMemoryBytes });
  devices.push(device);
  using model = await makeModel(device, 1, config);
  change?.(device);
  const plans: MemoryPlan[] = [];
  const task = supervised<Cloud>({
    model,
    collate: (some) => {
      const offsets = new Int32Array(some.length + 1);
      some.forEach(({ positions }, i) => {
        offsets[i + 1] = offsets[i] + positions.length / 2;
      });
      const [nodeFeatures, nodePositions] = [some.map((c) => c.features), some.map((c) => c.positions)].map(join);
      return { input: { nodeFeatures, nodePositions, offsets }, offsets, target: join(some.map((c) => c.target)) };
    },
    loss: mse,
    meanOver: "rows",
  });
  const losses: number[] = [];
  const result = await fit<Cloud, unknown>({
    model,
    task: task as never,
    trainData,
    steps: 2,
    batchSize: 4,
    schedule: { kind: "constant", lr: 1e-2 },
    logEvery: 1,
    logger: { log: ({ kind, loss }) => void (kind === "training" && losses.push(Number(loss))) },
    onPlan: (plan) => plans.push(plan),
    ...options,
  });
  await device.finished();
  return { result, losses, plans, bytes: await model.save(), peak: device.memory.peak };
}

describe("a batch that does not fit", () => {
  let whole: Awaited<ReturnType<typeof run>>;
  let allocations = 0;
  /** Those before the second step. */
  let early = 0;
  beforeAll(async () => {
    const beforeStep = (step: number) => {
      if (step === 1) early = allocations;
    };
    whole = await run(undefined, { beforeStep }, (device) => onAllocation(device, () => allocations++));
  });

  test("what fits is computed as it is", () => {
    expect(whole.plans).toEqual([]);
    expect(whole.result.plan).toEqual({ checkpointing: false, parts: 1 });
  });

  test("checkpointing makes a batch fit, without a change of any bit", async () => {
    const { result, bytes, losses } = await run(Math.ceil(0.75 * whole.peak));
    expect(result.plan).toEqual({ checkpointing: true, parts: 1 });
    expect(losses).toEqual(whole.losses);
    expect(bytes).toEqual(whole.bytes);
  });

  test("parts of batches add up to the same step but for rounding", async () => {
    const { result, plans, bytes, losses } = await run(Math.ceil(0.4 * whole.peak));
    expect(plans).toEqual([
      { checkpointing: true, parts: 1 },
      { checkpointing: true, parts: 2 },
    ]);
    expect(result.plan).toEqual(plans[1]);
    expectClose(losses, whole.losses, 1e-6, "losses");
    const expected = loadSafetensors(whole.bytes).tensors;
    for (const [name, tensor] of loadSafetensors(bytes).tensors) {
      // A key's bias shifts all scores of a query equally: its gradient is only rounding errors.
      if (!name.endsWith("qkv.bias")) expectClose(toFloat32(tensor), toFloat32(expected.get(name)!), 1e-4, name);
    }
  });

  test("memory that runs out unforeseen is planned for, too", async () => {
    let calls = 0;
    // In the first step: what a step reports before memory runs out in the next one is reported again.
    const failing = Math.round(0.8 * early);
    const { result, bytes, losses } = await run(undefined, {}, (device) =>
      onAllocation(device, (bytes) => {
        if (++calls === failing) throw new OutOfMemoryError("no memory", { bytes });
      }),
    );
    expect(calls).toBeGreaterThan(failing);
    expect(result.plan).toEqual({ checkpointing: true, parts: 1 });
    expect(losses).toEqual(whole.losses);
    expect(bytes).toEqual(whole.bytes);
  });
});

test("a cloud that does not fit by itself is refused with its largest tensors, and what would fit", async () => {
  const large = makeClouds(1, 1, 6000);
  const error = await run(2 ** 20, { trainData: large, batchSize: 1 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OutOfMemoryError);
  const { message, details } = error as OutOfMemoryError;
  expect(details.needed).toBeGreaterThan(details.free as number);
  expect(details.fitting).toBeGreaterThan(100);
  expect(details.fitting).toBeLessThan(6000);
  for (const part of [...(details.largest as string[]), String(details.fitting)]) expect(message).toContain(part);
});
