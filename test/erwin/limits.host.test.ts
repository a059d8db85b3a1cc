// Inputs at the limits of what a model accepts: very many clouds, and features from another device.

import { ErwinTransformer, requestDevice, Tensor } from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";

const config = {
  ...{ cIn: 1, cHidden: 2, ballSizes: [1], encNumHeads: [1], encDepths: [1], decNumHeads: [], decDepths: [] },
  ...{ strides: [], mpSteps: 0 },
};

let model: ErwinTransformer;
beforeAll(async () => {
  model = await ErwinTransformer.create(config, { device: await requestDevice({ backend: "cpu", threads: 1 }) });
});
afterAll(() => {
  model.dispose();
  model.device.dispose();
});

test("130,000 clouds in a batch", async () => {
  const clouds = 130_000;
  const out = await model.forward({
    nodeFeatures: new Float32Array(clouds).fill(1),
    nodePositions: new Float32Array(3 * clouds),
    batchIdx: Int32Array.from({ length: clouds }, (_, i) => i),
  });
  const values = await out.data();
  out.dispose();
  expect(values.length).toBe(2 * clouds);
  expect([...values.slice(-2)]).toEqual([...values.slice(0, 2)]);
});

test("features of another device are refused", async () => {
  const other = await requestDevice({ backend: "cpu", threads: 1 });
  const nodeFeatures = Tensor.from(other, new Float32Array(2), [2, 1]);
  await expect(model.forward({ nodeFeatures, nodePositions: new Float32Array(6) })).rejects.toThrow(/another device/);
  nodeFeatures.dispose();
  other.dispose();
});
