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
/** The balls of the second cloud begin at no multiple of 64 rows, where a binding may begin: the first cloud has one of 32. */
const batchIdx = Int32Array.from({ length: points }, (_, point) => (point < 20 ? 0 : 1));
const cloud = { ...randomCloud(points, cloudOptions(config), seededRandom(3)), batchIdx };

async function run(device: Device) {
  const edgeIndex = await knnGraph(cloud.nodePositions, { dimensionality: 3, batchIdx, k: 4, loop: true });
  const model = await ErwinTransformer.create(config, { device, seed: 5 });
  const input = { ...cloud, edgeIndex };
  using evaluated = await noGrad(() => model.forward(input));
  const evaluation = await evaluated.data();
  const { current } = device.memory;
  (await noGrad(() => model.forward(input))).dispose();
  expect(device.memory.current).toBe(current);
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

/** Places what positions are picked or averaged to in balls of `size` nodes, and in another order of these. */
async function place(
  sources: number,
  from: { index: Uint32Array } | { stride: number },
  { rows, size }: { rows: number; size: number },
  maxBindingBytes?: number,
) {
  using device = await requestDevice({ backend: "webgpu", maxBindingBytes });
  const random = seededRandom(8);
  const positions = normals(3 * sources, random);
  const source = Tensor.from(device, positions, [sources, 3]);
  const host = Uint32Array.from({ length: (2 * rows) / size }, (_, i) => (i % 2 === 0 ? (size * i) / 2 : size));
  const balls = { tensor: Tensor.from(device, host), host, largest: size };
  const nodes = "index" in from ? { index: Tensor.from(device, from.index) } : from;
  const order = Tensor.from(device, permutation(rows, random));
  const { straight, rotated, fromMeans } = operators.placeLevel(source, nodes, balls, order);
  const all = [straight, rotated!].flatMap(({ positions, offsets }) => [positions, offsets]);
  const placed = await Promise.all([...all, ...(fromMeans ? [fromMeans] : [])].map((tensor) => tensor.data()));
  return { positions, placed };
}

// A binding of 64 KiB holds 5440 of them: none of the arrays, or all but what the positions are picked from.
test.each([6000, 5000])(
  "of %i positions, more than a binding holds are picked and placed by the same bits",
  async (sources) => {
    const random = seededRandom(9);
    const shape = { rows: 6400, size: 64 };
    const index = Uint32Array.from({ length: shape.rows }, () => Math.floor(sources * random()));
    const { positions, placed } = await place(sources, { index }, shape);
    const picked = Array.from(index, (i) => [...positions.subarray(3 * i, 3 * i + 3)]).flat();
    expect([...placed[0]]).toEqual(picked);
    expect((await place(sources, { index }, shape, 2 ** 16)).placed).toEqual(placed);
  },
);

test("positions that exceed a binding are averaged, and their distances from the means taken, by the same bits", async () => {
  const stride = 10;
  const shape = { rows: 600, size: 40 };
  const { positions, placed } = await place(6000, { stride }, shape);
  const { 0: means, 4: fromMeans } = placed;
  const mean = (row: number, axis: number) => {
    const children = Array.from({ length: stride }, (_, i) => positions[3 * (stride * row + i) + axis]);
    return children.reduce((sum, value) => sum + value) / stride;
  };
  const expected = Float32Array.from(means, (_, i) => mean(Math.floor(i / 3), i % 3));
  expect(l2Error(means, expected)).toBeLessThan(1e-6);
  const away = positions.map((value, i) => value - expected[3 * Math.floor(i / 3 / stride) + (i % 3)]);
  expect(l2Error(fromMeans, away)).toBeLessThan(1e-6);
  expect((await place(6000, { stride }, shape, 2 ** 16)).placed).toEqual(placed);
});
