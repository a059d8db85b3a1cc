// Batches that do not fit into the device's memory are computed in parts with the same results, or refused with what would fit.

import { type Device, ErwinTransformer, OutOfMemoryError, requestDevice } from "erwin";
import { describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, seededRandom } from "../support/clouds.ts";
import { forwardToHost, quickBackend, quickBackends, useDevice } from "../support/models.ts";

const device = useDevice(quickBackend);

const config = {
  cIn: 4,
  cHidden: [16, 32],
  ballSizes: [32, 32],
  encNumHeads: [2, 2],
  encDepths: [1, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  rotate: 45,
  mlpRatio: 4,
  mpSteps: 1,
};
const random = seededRandom(1);
const clouds = [900, 700, 33, 800, 600].map((points) => randomCloud(points, cloudOptions(config), random));
const batch = joinClouds(clouds);

/** Returns a device whose memory is a share of what a pass over the batch needs, besides the model. */
async function smallDevice(share: number, device: Device): Promise<Device> {
  using model = await ErwinTransformer.create(config, { device });
  const { peak, parameters } = model.estimateMemory(await model.prepare(batch), { training: false });
  const maxMemoryBytes = Math.ceil(parameters + share * (peak - parameters));
  return requestDevice({ backend: device.backend, maxMemoryBytes });
}

describe.each(quickBackends)("on %s", (backend) => {
  const device = useDevice(backend);

  test("a batch that does not fit is computed in parts, to the same bits", async () => {
    using model = await ErwinTransformer.create(config, { device: device(), seed: 1 });
    const whole = await forwardToHost(model, batch);
    const small = await smallDevice(0.5, device());
    try {
      using other = await ErwinTransformer.create(config, { device: small, seed: 1 });
      const { limit } = small.memory;
      expect(other.estimateMemory(await other.prepare(batch), { training: false }).peak).toBeGreaterThan(limit);
      expect(await forwardToHost(other, batch)).toEqual(whole);
      expect(small.memory.peak).toBeLessThanOrEqual(limit);
    } finally {
      small.dispose();
    }
  });

  // A GPU tells only later what it had no memory for.
  if (backend === "webgpu") {
    test("a batch does not hide that earlier work had no memory", async () => {
      using model = await ErwinTransformer.create(config, { device: device(), seed: 1 });
      const { gpu } = device() as unknown as { gpu: GPUDevice };
      gpu.dispatchEvent(
        Object.assign(new Event("uncapturederror"), { error: new GPUOutOfMemoryError("none for the upload") }),
      );
      const error = await model.forward(batch).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OutOfMemoryError);
      expect((error as Error).message).toContain("none for the upload");
      await expect(model.forward(clouds[2]!), "until it is handled").rejects.toBe(error);
      device().trim();
      expect((await forwardToHost(model, batch)).shape).toEqual([3033, 16]);
    });
  }
});

test("a cloud that does not fit is refused with its largest tensors, and what would fit does", async () => {
  const small = await smallDevice(0.5, device());
  try {
    using model = await ErwinTransformer.create(config, { device: small, seed: 1 });
    const held = small.memory.current;
    const cloud = randomCloud(6000, cloudOptions(config), random);
    const error = await model.forward(cloud).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    const { message, details } = error as OutOfMemoryError;
    const { limit, needed, fitting, largest } = details as Record<string, number> & { largest: string[] };
    expect(limit).toBe(small.memory.limit);
    expect(needed).toBeGreaterThan(limit - held);
    // Rows of the fine or the coarse level: the cloud fills 8192 slots.
    expect(largest[0]).toMatch(/^\[(8192|4096), \d+\]$/);
    for (const part of [...largest, String(fitting)]) expect(message).toContain(part);
    expect(small.memory.current).toBe(held);
    expect(fitting).toBeGreaterThan(500);
    const fits = randomCloud(fitting, cloudOptions(config), random);
    expect((await forwardToHost(model, fits)).shape).toEqual([fitting, 16]);
  } finally {
    small.dispose();
  }
});
