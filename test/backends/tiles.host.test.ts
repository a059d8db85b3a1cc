// The variants of products for GPUs, on the software adapters of these tests: smaller tiles for small products, and in Chromium,
// whose SwiftShader has its own kernel for products, the GPU's kernel.

import { type Device, linear, requestDevice, Tensor } from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { expectGolden, goldenPass } from "./passes.ts";

const device = useDevice();

/** A device that treats its software adapter as a GPU. */
let gpu: Device;
beforeAll(async () => {
  gpu = await requestDevice({ backend: "webgpu" });
  // Compiling ahead and measuring tiles are left out, because only a GPU is fast at them.
  Object.assign(gpu, { compileFor: () => {}, tune: async () => {} });
});
afterAll(() => gpu.dispose());

/** That device; kernels whose constants its tuning leaves alone are compiled once for all tests. */
function asGPU(productTuning?: Device["info"]["productTuning"]): Device {
  Object.assign(gpu.info, { software: false, productTuning });
  return gpu;
}

const tiles = [
  [128, 128],
  [128, 64],
  [64, 64],
  [32, 64],
];

/** Makes the device use this tile even if there are few of it. */
const tuningFor = (rows: number, columns: number) => ({ tile: { rows, columns }, fewTiles: 0 });

test.each(tiles)("a product gives the same bits in tiles of %i x %i as on a software adapter", async (...tile) => {
  const other = asGPU(tuningFor(tile[0], tile[1]));
  const [rows, inner, columns] = [205, 36, 216];
  const random = seededRandom(1);
  const x = normals(rows * inner, random);
  const weight = normals(columns * inner, random);
  const [whole, tiled] = [device(), other].map((own) =>
    linear(Tensor.from(own, x, [rows, inner]), Tensor.from(own, weight, [columns, inner])).data(),
  );
  expect(await tiled).toEqual(await whole);
});

test("the GPU's variants give a golden case's outputs and gradients", async () => {
  const other = asGPU();
  await expectGolden("a_2d_tiny_train", await goldenPass(other, "a_2d_tiny_train"));
});

// This runs only in Deno: it compiles many kernels, for which Chromium's software adapter takes long, and that adapter has its own
// kernel for products, which adds the squares of a norm in another order.
if ("Deno" in globalThis) {
  const name = "d_mixed_strides_train";
  /** On the software adapter as it is, made once. */
  let plain: ReturnType<typeof goldenPass> | undefined;

  test.each(tiles)("a model and its gradients are the same bits in tiles of %i x %i", async (rows, columns) => {
    const tiled = await goldenPass(asGPU(tuningFor(rows, columns)), name);
    const whole = await (plain ??= goldenPass(device(), name));
    expect(tiled.out).toEqual(whole.out);
    expect(tiled.gradients).toEqual(whole.gradients);
  });
}
