// A GPU takes smaller tiles where a product has few: the bits stay the same.

import { linear, requestDevice, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { goldenPass } from "./passes.ts";

const device = useDevice();

/** A device that takes its adapter, which is a software one where these tests run, for a GPU. */
async function requestSmallTiles() {
  const other = await requestDevice({ backend: "webgpu" });
  (other.info as { software: boolean }).software = false;
  return other;
}

test("a product gives the same bits in tiles of 32 rows as in tiles of 64", async () => {
  using other = await requestSmallTiles();
  const [rows, inner, columns] = [105, 36, 72];
  const random = seededRandom(1);
  const x = normals(rows * inner, random);
  const weight = normals(columns * inner, random);
  const [whole, small] = [device(), other].map((own) =>
    linear(Tensor.from(own, x, [rows, inner]), Tensor.from(own, weight, [columns, inner])).data(),
  );
  expect(await small).toEqual(await whole);
});

// In Deno alone: it compiles many kernels, for which Chromium's software adapter takes long.
if ("Deno" in globalThis) {
  test("a model and its gradients are the same bits", async () => {
    using other = await requestSmallTiles();
    const name = "d_mixed_strides_train";
    const [whole, small] = [await goldenPass(device(), name), await goldenPass(other, name)];
    expect(small.out).toEqual(whole.out);
    expect(small.gradients).toEqual(whole.gradients);
  });
}
