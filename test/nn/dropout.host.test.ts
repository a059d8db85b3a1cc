// Dropout: which elements become 0 depends on the seed, the layer's name and the passes; nothing changes in evaluation mode.

import { dropout, loadSafetensors, nn, Random, sum, Tensor } from "erwin";
import { expect, test } from "vitest";
import { onEachDevice } from "../support/models.ts";

class TwoLayers extends nn.Module {
  readonly first = this.child("first", new nn.Dropout(0.25));
  readonly second = this.child("second", new nn.Dropout(0.25));
  readonly scale = this.parameter("scale", [1], nn.ones);
}

onEachDevice((device) => {
  const size = 20_000;
  const ones = () => Tensor.from(device(), new Float32Array(size).fill(1), [size / 20, 20]);
  /** Which elements a layer keeps, as text. */
  async function pattern(layer: nn.Dropout): Promise<string> {
    using x = ones();
    using y = layer.forward(x);
    return (await y.data()).join();
  }

  test("a share of the elements becomes 0, the others grow by as much, and so do the gradients", async () => {
    using x = ones().requireGrad();
    using y = dropout(x, 0.25, new Random(3));
    using total = sum(y);
    await total.backward();
    const values = await y.data();
    expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(values.filter((value) => value === 0).length / size).toBeCloseTo(0.25, 1.5);
    expect(await x.grad?.data()).toEqual(values);
    using none = dropout(x, 1, new Random(3));
    expect((await none.data()).every((value) => value === 0)).toBe(true);
    expect(() => dropout(x, 1.5, new Random(3))).toThrow("rate");
    expect(() => new nn.Dropout(-1)).toThrow("rate");
  });

  test("the same seed gives the same elements, other names and passes others; evaluation changes nothing", async () => {
    using model = new TwoLayers().initialize({ device: device(), seed: 5 }).train();
    const patterns = [await pattern(model.first), await pattern(model.first), await pattern(model.second)];
    expect(new Set(patterns).size).toBe(3);
    model.reseed(5);
    expect([await pattern(model.first), await pattern(model.first), await pattern(model.second)]).toEqual(patterns);
    using loaded = new TwoLayers();
    await loaded.load(await model.save(), { device: device() });
    loaded.train();
    expect(await pattern(loaded.first)).not.toBe(await pattern(loaded.second));
    expect([...loadSafetensors(await loaded.save()).tensors.keys()]).toEqual(["scale"]);
    model.eval();
    using x = ones();
    model.first.forward(x).dispose();
    expect(await pattern(model.first)).toBe((await x.data()).join());
  });
});
