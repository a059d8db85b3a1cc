// Runs whole passes of a model on a given device, for the backends' tests to compare their results on the host.

import { AdamW, type Device, Tensor } from "erwin";
import { expect } from "vitest";
import { expectClose, l2Error } from "../support/compare.ts";
import { loadGoldenCase, numbers, tensorsBelow } from "../support/golden.ts";
import { modelFrom } from "../support/models.ts";

type ModelInput = Parameters<Awaited<ReturnType<typeof modelFrom>>["forward"]>[0];
type SavedTensors = Parameters<typeof modelFrom>[1];

export interface Pass {
  out: Float32Array;
  shape: readonly number[];
  /** The gradients of all parameters that have one, and that of the features: "grad_features". */
  gradients: Map<string, Float32Array>;
  /** Buffers after the pass. */
  buffers: Map<string, Float32Array>;
}

/** Runs forward, and backward from `probe` (or from the output itself). */
export async function pass(
  device: Device,
  config: object,
  state: SavedTensors,
  input: ModelInput & { nodeFeatures: Float32Array; nodePositions: Float32Array },
  { train, probe }: { train: boolean; probe?: Float32Array },
): Promise<Pass> {
  using model = await modelFrom(config, state, device);
  if (train) model.train();
  const rows = input.nodePositions.length / (config as { dimensionality?: number }).dimensionality!;
  const features = [rows, input.nodeFeatures.length / rows];
  using nodeFeatures = Tensor.from(device, input.nodeFeatures, features).requireGrad();
  using out = await model.forward({ ...input, nodeFeatures });
  const data = await out.data();
  using seed = Tensor.from(device, probe ?? data, out.shape);
  await out.backward(seed);
  const gradients = new Map([["grad_features", await nodeFeatures.grad!.data()]]);
  for (const [name, { grad }] of model.parameters()) if (grad) gradients.set(name, await grad.data());
  const buffers = new Map<string, Float32Array>();
  for (const [name, tensor] of model.state()) {
    if (/running_(mean|var)$/.test(name)) buffers.set(name, await tensor.data());
  }
  return { out: data, shape: out.shape, gradients, buffers };
}

/** Runs a golden case: forward, and backward if gradients are stored. */
export async function goldenPass(device: Device, name: string): Promise<Pass> {
  const { golden, config, train, state, input } = await loadGoldenCase(name);
  const probe = golden.tensors.has("probe") ? Float32Array.from(numbers(golden, "probe")) : undefined;
  const dimensionality = golden.tensors.get("node_positions")!.shape[1];
  return pass(device, { ...config, dimensionality }, state, input, { train, probe });
}

/** Compares a pass with the stored values, within the tolerances of the golden cases (test/golden/README.md). */
export async function expectGolden(name: string, { out, shape, gradients, buffers }: Pass): Promise<void> {
  const { golden, train } = await loadGoldenCase(name);
  expect(shape).toEqual(golden.tensors.get("out_f64")?.shape);
  expectClose(out, numbers(golden, "out_f64"), train ? 5e-5 : 1e-5, "out", { columns: shape[1] });
  const after = tensorsBelow(golden, "after.");
  for (const [buffer, data] of buffers) {
    const expected = after.get(buffer)?.data as Float32Array | undefined;
    if (train && expected) expectClose(data, expected, 1e-5, buffer);
  }
  if (!golden.tensors.has("probe")) return;
  const info = JSON.parse(golden.metadata.info);
  for (const [parameter, gradient] of gradients) {
    if (info.grad_err.zero_in_exact_arithmetic.includes(parameter)) continue;
    const stored = parameter === "grad_features" ? parameter : `grad.${parameter}`;
    expect(l2Error(gradient, numbers(golden, stored)), `gradient of ${parameter}`).toBeLessThan(1e-4);
  }
  const stored = [...golden.tensors.keys()].filter((key) => key.startsWith("grad."));
  expect([...gradients.keys()].filter((key) => key !== "grad_features").sort()).toEqual(
    stored.map((key) => key.slice(5)).sort(),
  );
}

/** Compares three steps of AdamW with the stored trajectory. */
export async function expectGoldenSteps(device: Device): Promise<void> {
  const { golden, config, state, input } = await loadGoldenCase("h_adamw_3steps");
  const { lr, betas, eps, weight_decay: weightDecay } = JSON.parse(golden.metadata.optimizer);
  using model = await modelFrom(config, state, device);
  model.train();
  using optimizer = new AdamW(model.parameters(), { lr, betas, eps, weightDecay });
  const target = numbers(golden, "target");
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    using out = await model.forward(input);
    const values = await out.data();
    losses.push(values.reduce((sum, value, i) => sum + (value - target[i]) ** 2, 0) / values.length);
    using seed = Tensor.from(
      device,
      values.map((value, i) => (2 * (value - target[i])) / values.length),
      out.shape,
    );
    await out.backward(seed);
    optimizer.step();
    optimizer.zeroGrad();
  }
  expectClose(losses, numbers(golden, "losses_f64"), 1e-5, "losses");
  const now = model.state();
  for (const [name, { data }] of tensorsBelow(golden, "after.")) {
    if (name.endsWith("num_batches_tracked")) continue;
    const actual = (await now.get(name)!.data()) as Float32Array;
    if (/running_(mean|var)$/.test(name)) {
      expectClose(actual, data as Float32Array, 2e-3, name);
      continue;
    }
    const stable = numbers(golden, `stable.${name}`);
    const compared = Array.from(actual.keys()).filter((i) => stable[i] === 1);
    const pick = (values: ArrayLike<number>) => compared.map((i) => values[i]);
    // Three steps move each weight by up to 3e-3.
    expectClose(pick(actual), pick(data as Float32Array), 2e-5, name, { scale: 1 });
  }
}
