// The exporter is a separate part of the library, loaded on demand: every host finds it.

import { exportOnnx } from "erwin";
import { expect, test } from "vitest";
import { randomState } from "../support/clouds.ts";
import { modelFrom, quickBackend, useDevice } from "../support/models.ts";

const device = useDevice(quickBackend);

test("exportOnnx gives the whole file", async () => {
  const config = { cIn: 3, cHidden: 8, ballSizes: [16], encNumHeads: [2], encDepths: [1], mpSteps: 0 };
  const rest = { decNumHeads: [], decDepths: [], strides: [] };
  using model = await modelFrom({ ...config, ...rest }, randomState(config, 1), device());
  const file = await exportOnnx(model);
  const text = new TextDecoder("latin1").decode(file);
  for (const name of ["node_features", "tree_idx", "bottleneck.blocks.0.BMSA.qkv.weight", "swiglu/Sigmoid"]) {
    expect(text).toContain(name);
  }
  let bytes = 0;
  for (const tensor of model.parameters().values()) bytes += 4 * tensor.size;
  expect(file.length).toBeGreaterThan(bytes);
});
