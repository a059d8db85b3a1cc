// Inputs at the limits of what is accepted: very many clouds, and tensors of another device.

import {
  AdamW,
  add,
  concatenate,
  type Device,
  divide,
  ErwinTransformer,
  InputError,
  linear,
  mean,
  mse,
  operators,
  relativeL2,
  requestDevice,
  reshape,
  scale,
  Tensor,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

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

describe("tensors of another device are refused by name", () => {
  const numbers = Float32Array.of(1, 2);
  let other: Device;
  let [own, foreign]: Tensor[] = [];
  beforeAll(async () => {
    other = await requestDevice({ backend: "cpu", threads: 1 });
    own = Tensor.from(model.device, numbers, [2, 1]).requireGrad();
    foreign = Tensor.from(other, numbers, [2, 1]);
  });
  afterAll(() => other.dispose());

  const { layerNorm } = operators;
  test.each<[string, () => unknown]>([
    ["the second operand", () => add(own, foreign)],
    ["the second operand", () => divide(own, foreign)],
    ["tensor 1", () => concatenate([own, foreign], 1)],
    ["x", () => linear(foreign, own)],
    ["bias", () => linear(own, reshape(own, [2, 1]), { bias: reshape(foreign, [2]) })],
    ["target", () => mse(own, foreign)],
    ["target", () => relativeL2(own, foreign)],
    ["the gradient", () => scale(own, 2).backward(foreign)],
    ["residual", () => layerNorm(own, foreign, { weight: mean(own, 0), bias: mean(own, 0) })],
    [
      "second",
      () =>
        new AdamW(
          new Map([
            ["first", own],
            ["second", foreign],
          ]),
        ),
    ],
    ["nodeFeatures", () => model.forward({ nodeFeatures: foreign, nodePositions: new Float32Array(6) })],
  ])("%s", async (name, use) => {
    const refusal = await Promise.resolve()
      .then(use)
      .catch((error: InputError) => error);
    expect(refusal).toBeInstanceOf(InputError);
    expect((refusal as InputError).message).toMatch(new RegExp(`^${name} .*device`));
  });

  test("a gradient of another shape, too", async () => {
    await expect(scale(own, 2).backward(Tensor.from(model.device, numbers, [1, 2]))).rejects.toThrow(
      /\[1,2\].*\[2,1\]/,
    );
  });
});
