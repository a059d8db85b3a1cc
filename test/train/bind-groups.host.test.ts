// A bind group costs more than the rest of a dispatch: a repeated training step creates none.

import { AdamW, Tensor } from "erwin";
import { afterEach, expect, test, vi } from "vitest";
import { useDevice } from "../support/models.ts";
import { makeClouds, makeModel } from "./training.ts";

const device = useDevice("webgpu");
afterEach(() => vi.restoreAllMocks());

test("a training step like the one before makes no bind groups", async () => {
  const model = (await makeModel(device())).train();
  const { positions, features } = makeClouds(1, 3).clouds[0];
  const batch = await model.prepare({ nodePositions: positions, nodeFeatures: features });
  const optimizer = new AdamW(model.parameters());
  const made = vi.spyOn(GPUDevice.prototype, "createBindGroup");
  const counts: number[] = [];
  for (let step = 0; step < 3; step++) {
    const before = made.mock.calls.length;
    const out = await model.forward(batch);
    const gradient = Tensor.from(device(), new Float32Array(out.size).fill(1e-3), out.shape);
    await out.backward(gradient);
    for (const tensor of [out, gradient]) tensor.dispose();
    optimizer.step();
    await device().finished();
    counts.push(made.mock.calls.length - before);
  }
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts[2]).toBe(0);
  optimizer.dispose();
  model.dispose();
});
