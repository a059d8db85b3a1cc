// A model's gradients with and without an optimiser, which packs them, so that their sums join (deferred-sums.host.test.ts). Not in
// browsers, where it takes half a minute to compile the kernels of a model: there, other tests' optimisers pack gradients.

import { AdamW, type Device, Tensor } from "erwin";
import { expect, test } from "vitest";
import { loadGoldenCase } from "../support/golden.ts";
import { modelFrom, useDevice } from "../support/models.ts";

interface Joining extends Device {
  sums: { most: { jobs: number; arrays: number } };
}
const device = useDevice() as () => Joining;

test("a model's gradients have the same bits with an optimiser, which packs them, and without", async () => {
  // Only a GPU joins the sums of several products; here this device does.
  const { most } = device().sums;
  device().sums.most = { jobs: 15, arrays: 7 };
  const { config, state, input } = await loadGoldenCase("a_2d_tiny_train");
  const gradients = async (optimised: boolean) => {
    using model = await modelFrom({ ...config, dimensionality: 2 }, state, device());
    model.train();
    using _ = optimised ? new AdamW(model.parameters()) : undefined;
    // The second pass adds to the gradients of the first.
    for (let pass = 0; pass < 2; pass++) {
      using out = await model.forward(input);
      using seed = Tensor.from(device(), new Float32Array(out.size).fill(1e-2), out.shape);
      await out.backward(seed);
    }
    const found = new Map<string, Float32Array>();
    for (const [name, { grad }] of model.parameters()) if (grad) found.set(name, await grad.data());
    return found;
  };
  const own = await gradients(false);
  expect(own.size).toBeGreaterThan(50);
  expect(await gradients(true)).toEqual(own);
  device().sums.most = most;
});
