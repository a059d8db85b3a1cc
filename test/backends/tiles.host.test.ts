// What GPUs run in place of what suits a processor: smaller tiles where a product has few, and in Chromium, whose SwiftShader has
// a kernel of its own for products, the GPU's kernel.

import { linear, requestDevice, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { expectGolden, goldenPass } from "./passes.ts";

const device = useDevice();

/** A device that takes its adapter for a GPU, though it is a software one where these tests run. */
async function requestAsGPU() {
  const other = await requestDevice({ backend: "webgpu" });
  (other.info as { software: boolean }).software = false;
  return other;
}

test("a product gives the same bits in a GPU's small tiles as on a software adapter", async () => {
  using other = await requestAsGPU();
  const [rows, inner, columns] = [105, 36, 72];
  const random = seededRandom(1);
  const x = normals(rows * inner, random);
  const weight = normals(columns * inner, random);
  const [whole, small] = [device(), other].map((own) =>
    linear(Tensor.from(own, x, [rows, inner]), Tensor.from(own, weight, [columns, inner])).data(),
  );
  expect(await small).toEqual(await whole);
});

test("what a GPU runs gives a golden case's outputs and gradients", async () => {
  using other = await requestAsGPU();
  await expectGolden("a_2d_tiny_train", await goldenPass(other, "a_2d_tiny_train"));
});

// In Deno alone: it compiles many kernels, for which Chromium's software adapter takes long, and has one of its own for products,
// which sums up the squares of a norm in another order.
if ("Deno" in globalThis) {
  test("a model and its gradients are the same bits", async () => {
    using other = await requestAsGPU();
    const name = "d_mixed_strides_train";
    const [whole, small] = [await goldenPass(device(), name), await goldenPass(other, name)];
    expect(small.out).toEqual(whole.out);
    expect(small.gradients).toEqual(whole.gradients);
  });
}
