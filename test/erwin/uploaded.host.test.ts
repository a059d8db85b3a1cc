// Inputs on the device: the same bits as from the host, no repeated uploads, memory that is released, and errors that say why an
// input cannot be used.

import { type Device, DisposedError, ErwinTransformer, InputError, requestDevice, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { frozen } from "../support/reactive.ts";

const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [16, 8],
  encNumHeads: [2, 2],
  encDepths: [2, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [4],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
};
const random = seededRandom(1);
/** The smallest cloud does not fill a group of the stride. */
const sizes = [60, 1, 17];
const batch = joinClouds(sizes.map((size) => randomCloud(size, cloudOptions(config), random)));
const points = 78;

type Model = Awaited<ReturnType<typeof ErwinTransformer.create>>;
type ModelInput = Parameters<Model["forward"]>[0];
type Uploaded = Awaited<ReturnType<Model["upload"]>>;

const create = (device: Device, changes: object = {}) =>
  ErwinTransformer.create({ ...config, ...changes }, { device, seed: 2 });

/** Returns the output and the gradients of all parameters. */
async function passOf(model: Model, input: ModelInput): Promise<Map<string, Float32Array>> {
  using out = await model.forward(input);
  const data = await out.data();
  using seed = Tensor.from(model.device, data, out.shape);
  await out.backward(seed);
  return new Map([["out", data], ...(await gradientsOf(model))]);
}

/** Reads all gradients at once; the model then discards them. */
async function gradientsOf(model: Model): Promise<[string, Float32Array][]> {
  const reading = [...model.parameters()].map(async ([name, parameter]): Promise<[string, Float32Array]> => {
    const numbers = await parameter.grad!.data();
    parameter.zeroGrad();
    return [name, numbers];
  });
  return Promise.all(reading);
}

function countWrites(device: Device): { count: number; stop(): void } {
  const write = device.write.bind(device);
  const writes = { count: 0, stop: () => Reflect.deleteProperty(device, "write") };
  device.write = (...given) => {
    writes.count++;
    write(...given);
  };
  return writes;
}

describe.each(["webgpu", "cpu"] as const)("on %s", (backend) => {
  const device = useDevice(backend);

  test("passes over an uploaded input give the same bits, in either mode, forward and back", async () => {
    using model = await create(device());
    const prepared = await model.prepare(batch);
    using uploaded = await model.upload(prepared);
    for (const mode of ["eval", "train"] as const) {
      model[mode]();
      const plain = await passOf(model, batch);
      expect(plain.get("out")!.some((value) => value !== 0)).toBe(true);
      // Of what is frozen, what a pass needs is computed each time.
      const fixed = frozen(await model.prepare(batch));
      for (const input of [prepared, prepared, fixed, uploaded, uploaded]) {
        for (const [name, numbers] of await passOf(model, input)) {
          expect(numbers, `${mode}: ${name}`).toEqual(plain.get(name));
        }
      }
    }
  });

  test("the gradient goes back to features that are a tensor", async () => {
    using model = await create(device());
    const gradientOf = async (inputOf: (given: ModelInput) => Promise<ModelInput>) => {
      using nodeFeatures = Tensor.from(device(), batch.nodeFeatures, [points, config.cIn]).requireGrad();
      const input = await inputOf({ ...batch, nodeFeatures } as ModelInput);
      await passOf(model, input);
      (input as Partial<Uploaded>).dispose?.();
      return nodeFeatures.grad!.data();
    };
    for (const mode of ["eval", "train"] as const) {
      model[mode]();
      const plain = await gradientOf(async (input) => input);
      expect(await gradientOf((input) => model.upload(input as Parameters<Model["upload"]>[0]))).toEqual(plain);
    }
  });

  test("passes upload nothing again and take no more memory, and all memory is released", async () => {
    using model = await create(device());
    const { memory } = device();
    await passOf(model, batch);
    const before = memory.current;
    for (const training of [true, false]) {
      const uploaded = await model.upload(batch, { training });
      if (training) model.train();
      else model.eval();
      await passOf(model, uploaded);
      const held = memory.current;
      expect(held).toBeGreaterThan(before);
      const writes = countWrites(device());
      for (let pass = 0; pass < 3; pass++) (await model.forward(uploaded)).dispose();
      writes.stop();
      expect(writes.count).toBe(0);
      expect(memory.current).toBe(held);
      uploaded.dispose();
      uploaded.dispose();
      expect(memory.current, "bytes held after the input is disposed").toBe(before);
    }
  });

  test("the results of a training pass outlive the input", async () => {
    using model = await create(device());
    model.train();
    const plain = await passOf(model, batch);
    const uploaded = await model.upload(batch);
    using out = await model.forward(uploaded);
    uploaded.dispose();
    using seed = Tensor.from(device(), plain.get("out")!, out.shape);
    await out.backward(seed);
    for (const [name, numbers] of await gradientsOf(model)) expect(numbers, name).toEqual(plain.get(name));
  });
});

describe("an input on the device or the host that cannot be used", () => {
  const device = useDevice("cpu");

  test.each([
    ["dimensionality", { dimensionality: 2 }],
    ["cIn", { cIn: 4 }],
    ["strides", { strides: [2] }],
    ["ballSizes", { ballSizes: [16, 16] }],
    ["rotate", { rotate: 30 }],
    ["rotate", { rotate: 0 }],
    ["cHidden", { cHidden: [16, 16] }],
  ])("by a model of another %s", async (field, changes) => {
    using model = await create(device());
    using other = await create(device(), changes);
    using uploaded = await model.upload(batch);
    const inputs: ModelInput[] = [uploaded];
    // The angle and the widths do not show in what the host has; features do not fit by their number.
    const shows = field !== "cIn" && field !== "cHidden" && !("rotate" in changes && changes.rotate);
    if (shows) inputs.push(await model.prepare(batch));
    for (const input of inputs) {
      const error = await other.forward(input).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).details.field).toBe(field);
      expect((error as InputError).message).toContain(field);
    }
  });

  test("without a graph, by a model that passes messages; with one, by any", async () => {
    using silent = await create(device(), { mpSteps: 0, cHidden: [16, 16] });
    using model = await create(device());
    using bare = await silent.upload(batch);
    for (const input of [bare, await silent.prepare(batch)]) {
      await expect(model.forward(input)).rejects.toThrow(InputError);
      await expect(model.forward(input)).rejects.toThrow(/graph/);
    }
    using whole = await model.upload(batch);
    using out = await silent.forward(whole);
    using expected = await silent.forward(batch);
    expect(await out.data()).toEqual(await expected.data());
  });

  test("on another device", async () => {
    using elsewhere = await requestDevice({ backend: "cpu", threads: 1 });
    using model = await create(device());
    using twin = await create(elsewhere);
    using uploaded = await model.upload(batch);
    await expect(twin.forward(uploaded)).rejects.toThrow(InputError);
  });

  test("after it was disposed", async () => {
    using model = await create(device());
    const uploaded = await model.upload(batch);
    using out = await model.forward(uploaded);
    uploaded.dispose();
    await expect(model.forward(uploaded)).rejects.toThrow(DisposedError);
    using seed = Tensor.from(device(), new Float32Array(out.size), out.shape);
    await expect(out.backward(seed)).rejects.toThrow(DisposedError);
  });
});
