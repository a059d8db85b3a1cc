// A GPU takes smaller tiles where a product has few: the bits stay the same.

import { linear, operators, requestDevice, Tensor } from "erwin";
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

test("operators give the same bits in tiles of 32 rows as in tiles of 64", async () => {
  using other = await requestSmallTiles();
  const [rows, width] = [105, 36];
  const shapes = {
    x: [rows, width],
    norm: [width],
    up: [2 * width, width],
    bias: [2 * width],
    down: [width, 2 * width],
  };
  const random = seededRandom(1);
  const values = Object.entries(shapes).map(
    ([name, shape]) =>
      [
        name,
        normals(
          shape.reduce((a, b) => a * b),
          random,
        ),
        shape,
      ] as const,
  );
  const results = [device(), other].map((own) => {
    const { x, norm, up, bias, down } = Object.fromEntries(
      values.map(([name, data, shape]) => [name, Tensor.from(own, data, shape)]),
    ) as Record<keyof typeof shapes, Tensor>;
    const gated = operators.feedForward(
      x,
      norm,
      { weight: up, bias },
      { weight: up, bias },
      { weight: down, bias: norm },
    );
    return [linear(x, up, { bias }), gated].map((out) => out.data());
  });
  const [whole, small] = await Promise.all(results.map((data) => Promise.all(data)));
  expect(small).toEqual(whole);
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
