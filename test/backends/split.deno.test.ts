// Work on tensors larger than one binding of the device is split: the same bits forward, the same gradients.

import { type Device, ErwinTransformer, knnGraph, noGrad, operators, requestDevice, Tensor } from "erwin";
import { expect, test } from "vitest";
import { cloudOptions, normals, permutation, randomCloud, seededRandom } from "../support/clouds.ts";
import { l2Error } from "../support/compare.ts";

const config = {
  cIn: 4,
  cHidden: [16, 16],
  ballSizes: [64, 32],
  encNumHeads: [2, 2],
  encDepths: [2, 2],
  decNumHeads: [2],
  decDepths: [2],
  strides: [2],
  rotate: 45,
  mlpRatio: 4,
  mpSteps: 2,
};
const points = 3000;
const cloud = randomCloud(points, cloudOptions(config), seededRandom(3));

async function run(device: Device) {
  const edgeIndex = await knnGraph(cloud.nodePositions, { dimensionality: 3, k: 4, loop: true });
  const model = await ErwinTransformer.create(config, { device, seed: 5 });
  const input = { ...cloud, edgeIndex };
  using evaluated = await noGrad(() => model.forward(input));
  const evaluation = await evaluated.data();
  const out = await model.train().forward(input);
  const data = await out.data();
  const probe = Tensor.from(device, data, out.shape);
  await out.backward(probe);
  const gradients = new Map<string, Float32Array>();
  for (const [name, parameter] of model.parameters())
    if (parameter.grad) gradients.set(name, await parameter.grad.data());
  device.dispose();
  return { data, gradients, evaluation };
}

test("a device with bindings of 64 KiB gives the results of one with large bindings", async () => {
  const whole = await run(await requestDevice({ backend: "webgpu" }));
  const pieces = await run(await requestDevice({ backend: "webgpu", maxBindingBytes: 2 ** 16 }));
  expect(pieces.data).toEqual(whole.data);
  expect(pieces.evaluation).toEqual(whole.evaluation);
  expect(pieces.gradients.size).toBe(whole.gradients.size);
  for (const [name, gradient] of whole.gradients) {
    expect(l2Error(pieces.gradients.get(name)!, gradient), name).toBeLessThan(1e-4);
  }
});

test("positions that exceed a binding are picked and placed in their balls by the same bits", async () => {
  const [sources, rows, size] = [6000, 6400, 64];
  const random = seededRandom(8);
  const positions = normals(3 * sources, random);
  const index = Uint32Array.from({ length: rows }, () => Math.floor(sources * random()));
  const order = permutation(rows, random);
  const host = Uint32Array.from({ length: (2 * rows) / size }, (_, i) => (i % 2 === 0 ? (size * i) / 2 : size));
  const place = async (maxBindingBytes?: number) => {
    using device = await requestDevice({ backend: "webgpu", maxBindingBytes });
    const source = Tensor.from(device, positions, [sources, 3]);
    const balls = { tensor: Tensor.from(device, host), host, largest: size };
    const from = { index: Tensor.from(device, index) };
    const { straight, rotated } = operators.placeLevel(source, from, balls, Tensor.from(device, order));
    const all = [straight, rotated!].flatMap(({ positions, offsets }) => [positions, offsets]);
    return await Promise.all(all.map((tensor) => tensor.data()));
  };
  const whole = await place();
  const picked = Array.from(index, (i) => [...positions.subarray(3 * i, 3 * i + 3)]).flat();
  expect([...whole[0]]).toEqual(picked);
  expect(await place(2 ** 16)).toEqual(whole);
});
