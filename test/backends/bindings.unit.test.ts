// What kernels bind is no larger than a binding of the device: here where inputs are divided so that it is.

import { expect, test } from "vitest";
import type { DeviceInfo } from "../../src/backends/device.ts";
import { webgpuDryRun } from "../../src/backends/webgpu/dry-run.ts";
import { windowOf } from "../../src/backends/webgpu/recorder.ts";
import { uploadGraph } from "../../src/erwin/graph.ts";
import { MPNN } from "../../src/nn/messages.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

const maxBindingBytes = 2 ** 20;
const info = { precision: "float32", software: false, features: [], maxBindingBytes } as unknown as DeviceInfo;
const gpu = { limits: { maxBufferSize: 2 ** 31 } } as GPUDevice;

test.each([32, 64, 96, 256])("a graph for messages of %i channels, forward and backward", async (width) => {
  const bound = new Map<string, number>();
  const device = webgpuDryRun({ gpu, info }, (kernel, _, arrays) => {
    for (const array of Object.values(arrays)) {
      bound.set(kernel, Math.max(bound.get(kernel) ?? 0, windowOf(array).bytes));
    }
  });
  // As many nodes as fit a binding with the products of each.
  const nodes = Math.floor(maxBindingBytes / (8 * width));
  const own = Uint32Array.from({ length: nodes }, (_, node) => node);
  const edges = { starts: Uint32Array.from([...own, nodes]), sources: own, targets: own };
  const model = new MPNN({ width, steps: 1, dimensions: 3 }).initialize({ device });
  const h = new Tensor(device, [nodes, width]).requireGrad();
  const graph = uploadGraph(device, edges, { width, dimensions: 3, training: true });
  const out = model.forward(h, new Tensor(device, [nodes, 3]), graph);
  await out.backward(new Tensor(device, out.shape));
  for (const kernel of ["message_products", "message_mean", "message_backward"]) {
    expect(bound.get(kernel), kernel).toBeGreaterThan(0);
    expect(bound.get(kernel), kernel).toBeLessThanOrEqual(maxBindingBytes);
  }
});
