// Gradients and training steps against the golden cases: every gradient tensor, the features' gradient, which parameters get
// none, running statistics, and three steps of AdamW.

import { AdamW, type Device, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { expectClose, l2Error } from "../support/compare.ts";
import { loadGoldenCase, numbers, tensorsBelow } from "../support/golden.ts";
import { modelFrom, useDevice } from "../support/models.ts";

const device = useDevice();

/**
 * A browser's software adapter takes seconds to compile each kernel. So it has one case of these, whose gradients pass through
 * all but the decoder; the three steps below train another model there, with a decoder.
 */
const cases = ["e_encoder_only_train"];
if ("Deno" in globalThis) cases.push("a_2d_tiny_train", "c_3d_rot_eval", "d_mixed_strides_train");

describe.each(cases)("%s", (name) => {
  test("gives every stored gradient", async () => {
    const { golden, config, train, state, input } = await loadGoldenCase(name);
    const info = JSON.parse(golden.metadata.info);
    using model = await modelFrom(config, state, device());
    if (train) model.train();
    const features = golden.tensors.get("node_features")!;
    using nodeFeatures = Tensor.from(device(), features.data as Float32Array, features.shape).requireGrad();
    const out = await model.forward({ ...input, nodeFeatures });
    using probe = Tensor.from(device(), Float32Array.from(numbers(golden, "probe")), out.shape);
    await out.backward(probe);
    out.dispose();

    expect(l2Error(await nodeFeatures.grad!.data(), numbers(golden, "grad_features")), "grad_features").toBeLessThan(
      1e-4,
    );
    const zero: string[] = info.grad_err.zero_in_exact_arithmetic;
    const without: string[] = [];
    for (const [parameter, tensor] of model.parameters()) {
      if (!tensor.grad) without.push(parameter);
      else if (!zero.includes(parameter)) {
        const error = l2Error(await tensor.grad.data(), numbers(golden, `grad.${parameter}`));
        expect(error, `gradient of ${parameter}`).toBeLessThan(1e-4);
      }
    }
    expect(without.sort()).toEqual([...info.no_grad].sort());
    if (!train) return;
    for (const [buffer, { data }] of tensorsBelow(golden, "after.")) {
      if (!/running_(mean|var)$/.test(buffer)) continue;
      expectClose((await model.state().get(buffer)!.data()) as Float32Array, data as Float32Array, 1e-5, buffer);
    }
  });
});

test("three steps of AdamW follow the stored trajectory", async () => {
  const { golden, config, state, input } = await loadGoldenCase("h_adamw_3steps");
  const { lr, betas, eps, weight_decay: weightDecay } = JSON.parse(golden.metadata.optimizer);
  using model = await modelFrom(config, state, device());
  model.train();
  using optimizer = new AdamW(model.parameters(), { lr, betas, eps, weightDecay });
  const target = numbers(golden, "target");
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const out = await model.forward(input);
    losses.push(await backwardOfMeanSquare(device(), out, target));
    out.dispose();
    optimizer.step();
    optimizer.zeroGrad();
  }
  expectClose(losses, numbers(golden, "losses_f64"), 1e-5, "losses");
  const after = tensorsBelow(golden, "after.");
  const now = model.state();
  for (const [tensor, { data }] of after) {
    if (tensor.endsWith("num_batches_tracked")) continue;
    const actual = await now.get(tensor)!.data();
    const expected = data as Float32Array;
    if (/running_(mean|var)$/.test(tensor)) {
      expectClose(actual, expected, 2e-3, tensor);
      continue;
    }
    const stable = numbers(golden, `stable.${tensor}`);
    const compared = Array.from(expected.keys()).filter((i) => stable[i] === 1);
    // Three steps move each weight by up to 3e-3.
    expectClose(
      compared.map((i) => actual[i]),
      compared.map((i) => expected[i]),
      2e-5,
      tensor,
      { scale: 1 },
    );
  }
});

/** Returns the mean of (out - target)^2 after its backward pass, from a gradient computed on the host. */
async function backwardOfMeanSquare(device: Device, out: Tensor, target: ArrayLike<number>): Promise<number> {
  const values = await out.data();
  let sum = 0;
  const gradient = values.map((value, i) => {
    sum += (value - target[i]) ** 2;
    return (2 * (value - target[i])) / values.length;
  });
  using seed = Tensor.from(device, gradient, out.shape);
  await out.backward(seed);
  return sum / values.length;
}
