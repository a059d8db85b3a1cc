// What GPUs run in place of what suits a processor: smaller tiles where a product has few, and in Chromium, whose SwiftShader has
// a kernel of its own for products, the GPU's kernel.

import { type Device, linear, requestDevice, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { expectGolden, goldenPass } from "./passes.ts";

const device = useDevice();

/** A device that takes its adapter for a GPU, though it is a software one where these tests run. */
async function requestAsGPU(productTuning?: Device["info"]["productTuning"]) {
  const other = await requestDevice({ backend: "webgpu" });
  Object.assign(other.info, { software: false, productTuning });
  // What only a GPU is fast at: kernels that are not used are not compiled, and tiles are not measured.
  Object.assign(other, { compileFor: () => {}, tune: async () => {} });
  return other;
}

const tiles = [
  [128, 128],
  [128, 64],
  [64, 64],
  [32, 64],
];

/** However few there are of it. */
const tuningFor = (rows: number, columns: number) => ({ tile: { rows, columns }, fewTiles: 0 });

test.each(tiles)("a product gives the same bits in tiles of %i x %i as on a software adapter", async (...tile) => {
  using other = await requestAsGPU(tuningFor(tile[0]!, tile[1]!));
  const [rows, inner, columns] = [205, 36, 216];
  const random = seededRandom(1);
  const x = normals(rows * inner, random);
  const weight = normals(columns * inner, random);
  const [whole, tiled] = [device(), other].map((own) =>
    linear(Tensor.from(own, x, [rows, inner]), Tensor.from(own, weight, [columns, inner])).data(),
  );
  expect(await tiled).toEqual(await whole);
});

test("what a GPU runs gives a golden case's outputs and gradients", async () => {
  using other = await requestAsGPU();
  await expectGolden("a_2d_tiny_train", await goldenPass(other, "a_2d_tiny_train"));
});

// In Deno alone: it compiles many kernels, for which Chromium's software adapter takes long, and has one of its own for products,
// which sums up the squares of a norm in another order.
if ("Deno" in globalThis) {
  test.each(tiles)("a model and its gradients are the same bits in tiles of %i x %i", async (rows, columns) => {
    using other = await requestAsGPU(tuningFor(rows!, columns!));
    const name = "d_mixed_strides_train";
    const [whole, tiled] = [await goldenPass(device(), name), await goldenPass(other, name)];
    expect(tiled.out).toEqual(whole.out);
    expect(tiled.gradients).toEqual(whole.gradients);
  });
}
