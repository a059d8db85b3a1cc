// Freezing: what wants no gradient is not trained, and the gradients of all else are the same bits as without it.

import { AdamW, type Device, ErwinTransformer, InputError, loadSafetensors, multiply, nn, sum, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, normals, randomCloud, seededRandom } from "../support/clouds.ts";
import { onEachDevice, small } from "../support/models.ts";

const cloud = joinClouds([randomCloud(40, cloudOptions(small), seededRandom(5))]);
const input = { ...cloud, nodeFeatures: normals(40 * small.cIn, seededRandom(1)) };

/** The gradients of a pass, by name. */
async function gradients(model: ErwinTransformer): Promise<Map<string, Float32Array>> {
  using output = await model.forward(input);
  using weighted = multiply(output, Tensor.from(model.device, normals(output.size, seededRandom(2)), output.shape));
  using total = sum(weighted);
  await total.backward();
  const arrived = [...model.parameters()].filter(([, { grad }]) => grad);
  const read = await Promise.all(arrived.map(async ([name, { grad }]) => [name, await grad!.data()] as const));
  for (const tensor of model.parameters().values()) tensor.zeroGrad();
  return new Map(read);
}

onEachDevice((device) => {
  describe.each([
    ["in evaluation mode", { checkpointing: false }, false],
    ["in training mode", { checkpointing: false }, true],
    ["with gradient checkpointing", { checkpointing: true }, true],
  ] as const)("%s", (_, options, training) => {
    test("the gradients of the other parameters are the same bits, whatever is frozen", async () => {
      using model = await ErwinTransformer.create(small, { device: device(), seed: 4, ...options });
      if (training) model.train();
      const all = await gradients(model);
      expect(all.size).toBeGreaterThan(40);
      const random = seededRandom(3);
      for (const share of [0.2, 0.5, 0.8]) {
        const frozen = new Set([...all.keys()].filter(() => random() < share));
        for (const name of frozen) model.parameters().get(name)?.requireGrad(false);
        const expected = new Map([...all].filter(([name]) => !frozen.has(name)));
        expect(await gradients(model)).toEqual(expected);
        model.requireGrad();
      }
      expect(await gradients(model)).toEqual(all);
    });
  });

  test("a frozen part stays as it is, whatever the optimiser does, and is trained once it is no longer frozen", async () => {
    using model = new Finetuned(device());
    model.features.requireGrad(false);
    using optimizer = new AdamW(model.parameters(), { lr: 0.1 });
    const trainable = () => [...model.parameters()].flatMap(([name, { requiresGrad }]) => (requiresGrad ? [name] : []));
    expect(trainable()).toEqual(["head.weight", "head.bias"]);
    const step = async () => {
      const before = loadSafetensors(await model.save()).tensors;
      using x = Tensor.from(model.device, [1, 2, 3, 4, 5, 6], [2, 3]);
      using features = model.features.forward(x);
      using loss = sum(model.head.forward(features));
      await loss.backward();
      await optimizer.step();
      optimizer.zeroGrad();
      const after = loadSafetensors(await model.save()).tensors;
      const changed = [...after].filter(([name, { data }]) => String(data) !== String(before.get(name)?.data));
      return { recorded: features.requiresGrad, changed: changed.map(([name]) => name).sort() };
    };
    expect(await step()).toEqual({ recorded: false, changed: ["head.bias", "head.weight"] });
    model.requireGrad();
    const all = ["features.weight", "features.bias", "head.weight", "head.bias"];
    expect(await step()).toEqual({ recorded: true, changed: [...all].sort() });
    expect(trainable()).toEqual(all);
    model.requireGrad(false);
    await expect(step()).rejects.toThrow("not on the tape");
  });

  test("what is frozen before it has values, or by itself, is so on another device, too", async () => {
    using early = new nn.Linear(2, 2).requireGrad(false).initialize({ device: device() });
    expect([early.weight.requiresGrad, early.bias.requiresGrad]).toEqual([false, false]);
    early.requireGrad().bias.requireGrad(false);
    early.moveTo(device(), loadSafetensors(await early.save()).tensors);
    expect([early.weight.requiresGrad, early.bias.requiresGrad]).toEqual([true, false]);
  });

  test("a gradient of before is none of after; what was computed cannot be frozen", async () => {
    using x = Tensor.from(device(), [3]).requireGrad();
    using first = multiply(x, x);
    await first.backward();
    expect((await x.grad?.data())?.[0]).toBe(6);
    x.requireGrad(false);
    expect([x.grad, x.requiresGrad]).toEqual([undefined, false]);
    x.requireGrad();
    expect([x.grad, x.requiresGrad]).toEqual([undefined, true]);
    using y = multiply(x, x);
    expect(y.requiresGrad).toBe(true);
    expect(() => y.requireGrad(false)).toThrow(InputError);
    using other = Tensor.from(device(), [3]);
    expect(other.requireGrad(false).requiresGrad).toBe(false);
  });
});

class Finetuned extends nn.Module {
  readonly features = this.child("features", new nn.Linear(3, 4));
  readonly head = this.child("head", new nn.Linear(4, 2));

  constructor(device: Device) {
    super();
    this.initialize({ device });
  }
}
