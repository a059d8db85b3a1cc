// A model in a worker computes what one on the caller's thread does, in order, and leaves the caller's thread and arrays alone.

import { createErwinWorker, ErwinTransformer, type ErwinWorker, loadSafetensors, requestDevice } from "erwin";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, permutation, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { expectFreeThread } from "../support/free-thread.ts";
import { checkpointBytes, forwardToHost, modelFrom, quickBackend, useDevice } from "../support/models.ts";
import type { ReferenceConfigInput } from "../support/reference.ts";
import { libraryScript, scriptUrl } from "./scripts.ts";

// Small and alike on all levels: compiling shaders is what takes the time.
const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [1, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  rotate: 0,
  mlpRatio: 2,
  mpSteps: 1,
} satisfies ReferenceConfigInput;
const state = randomState(config, 1);
const random = seededRandom(2);
const batch = joinClouds([300, 120].map((n) => randomCloud(n, cloudOptions(config), random)));
const device = useDevice(quickBackend);

let erwin: ErwinWorker;
beforeAll(async () => {
  erwin = await createErwinWorker({ backend: quickBackend });
});
afterAll(() => erwin.dispose());

test("before a model is there, info says so, and a forward pass is refused", async () => {
  using fresh = await createErwinWorker({ backend: "cpu", threads: 1 });
  expect(await fresh.info()).toMatchObject({ config: undefined, mode: undefined });
  await expect(fresh.forward(batch)).rejects.toMatchObject({
    name: "InputError",
    message: expect.stringContaining("load()"),
  });
});

/** The same only if every bit is. */
const bits = (values: Float32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

describe("forward", () => {
  test("gives what a direct call does, bit for bit", async () => {
    using model = await modelFrom(config, state, device());
    const expected = await forwardToHost(model, batch);
    await erwin.load(checkpointBytes(config, state));
    const out = await erwin.forward(batch);
    expect(bits(out.data)).toEqual(bits(expected.data));
    expect(out.shape).toEqual(expected.shape);
    expect(out.batchIdx).toEqual(batch.batchIdx);
  });

  test("is served in order with the other calls", async () => {
    using model = await modelFrom(config, state, device());
    const direct = [await forwardToHost(model, batch)];
    model.train();
    direct.push(await forwardToHost(model, batch));
    model.eval();
    direct.push(await forwardToHost(model, batch));

    const settled: string[] = [];
    const note = (name: string) => () => void settled.push(name);
    const calls = [
      erwin.load(checkpointBytes(config, state)),
      erwin.forward(batch),
      erwin.setMode("train"),
      erwin.forward(batch),
      erwin.setMode("eval"),
      erwin.forward(batch),
    ] as const;
    calls.forEach((call, i) => call.then(note(String(i))));
    const [, first, , second, , third] = await Promise.all(calls);
    expect(settled).toEqual(["0", "1", "2", "3", "4", "5"]);
    // The pass in train mode changes the running statistics, so the third differs from the first.
    [first, second, third].forEach((out, i) => {
      expect(bits(out.data), `call ${i}`).toEqual(bits(direct[i].data));
    });
    expect(bits(third.data)).not.toEqual(bits(first.data));
  });

  test("uses a given tree", async () => {
    const cloud = randomCloud(32, cloudOptions(config), seededRandom(3));
    const tree = { treeIdx: permutation(32, random), treeMask: new Uint8Array(32).fill(1) };
    using model = await ErwinTransformer.create(config, { device: device(), seed: 4 });
    const expected = await forwardToHost(model, { ...cloud, tree });
    await erwin.create(config, { seed: 4 });
    const out = await erwin.forward({ ...cloud, tree });
    expect(bits(out.data)).toEqual(bits(expected.data));
  });

  test("leaves the caller's thread free", async () => {
    await erwin.create(config);
    const random = seededRandom(5);
    await expectFreeThread(() => erwin.forward(randomCloud(10_000, cloudOptions(config), random), { transfer: true }));
  });
});

describe("the caller's arrays", () => {
  const copyOf = () => structuredClone(batch);
  const lengths = (input: object) => Object.values(input).map((array) => (array as Float32Array).byteLength);

  test("are left as they are", async () => {
    await erwin.create(config);
    const input = copyOf();
    await erwin.forward(input);
    expect(input).toEqual(batch);
  });

  test("are given away when asked", async () => {
    await erwin.create(config);
    const expected = await erwin.forward(batch);
    const input = copyOf();
    const call = erwin.forward(input, { transfer: true });
    expect(lengths(input)).toEqual([0, 0, 0, 0]);
    expect(bits((await call).data)).toEqual(bits(expected.data));
  });

  test("may be views, lists, or on shared memory", async () => {
    await erwin.create(config);
    const expected = await erwin.forward(batch);
    const { nodeFeatures, nodePositions, batchIdx } = batch;
    const joined = Float32Array.of(...nodeFeatures, ...nodePositions);
    const input = {
      ...copyOf(),
      nodeFeatures: joined.subarray(0, nodeFeatures.length),
      nodePositions: joined.subarray(nodeFeatures.length),
      batchIdx: [...batchIdx],
    };
    expect(bits((await erwin.forward(input)).data)).toEqual(bits(expected.data));
    expect(bits((await erwin.forward(input, { transfer: true })).data)).toEqual(bits(expected.data));
    expect(joined.length).toBe(0);

    const shared = new Float32Array(new SharedArrayBuffer(nodePositions.byteLength));
    shared.set(nodePositions);
    const out = await erwin.forward({ ...batch, nodePositions: shared });
    expect(bits(out.data)).toEqual(bits(expected.data));
  });

  test("of a checkpoint too", async () => {
    const bytes = checkpointBytes(config, state);
    const { byteLength } = bytes;
    await erwin.load(bytes);
    expect(bytes.byteLength).toBe(byteLength);
    const saved = await erwin.save();
    await erwin.load(new File([bytes], "chosen.safetensors"));
    expect(await erwin.save()).toEqual(saved);
    const other = new File([bytes.subarray(1)], "chosen.safetensors");
    await expect(erwin.load(other)).rejects.toThrow(/^chosen\.safetensors: /);
    await erwin.load(bytes.buffer, { transfer: true });
    expect(bytes.byteLength).toBe(0);
  });
});

describe("a model", () => {
  test("is saved as it was loaded", async () => {
    await erwin.load(checkpointBytes(config, state));
    const { tensors } = loadSafetensors(await erwin.save());
    for (const [name, { shape, data }] of state) expect(tensors.get(name), name).toMatchObject({ shape, data });
  });

  test("is loaded from a URL", async () => {
    const bytes = checkpointBytes(config, state);
    await erwin.load(bytes);
    const { data } = await erwin.forward(batch);
    await erwin.create(config);
    await erwin.load(URL.createObjectURL(new Blob([bytes])));
    expect(bits((await erwin.forward(batch)).data)).toEqual(bits(data));
  });

  test("frees the one before, which stays when a new one fails to load", async () => {
    await erwin.create(config, { seed: 1 });
    const { data } = await erwin.forward(batch);
    const { memory } = await erwin.info();
    await expect(erwin.load(new Uint8Array(100))).rejects.toThrow();
    expect(bits((await erwin.forward(batch)).data)).toEqual(bits(data));
    await erwin.create(config, { seed: 2 });
    await erwin.forward(batch);
    expect((await erwin.info()).memory.current).toBe(memory.current);
  });
});

describe("info", () => {
  test("tells device, memory, config and mode", async () => {
    await erwin.create(config);
    await erwin.setMode("train");
    const info = await erwin.info();
    expect(info).toMatchObject({ backend: device().backend, device: device().info, config, mode: "train" });
    expect(info.memory.current).toBeGreaterThan(0);
  });
});

test("a worker's device has the precisions that are asked for, or tells why not as one on the caller's thread does", async () => {
  const half = { backend: "webgpu", precision: "mixed", gradientPrecision: "half" } as const;
  const reason = ({ name, message }: Error) => ({ name, message });
  const own = await requestDevice(half).then((device) => {
    device.dispose();
    return { precision: device.info.precision, gradientPrecision: device.info.gradientPrecision };
  }, reason);
  const inWorker = await createErwinWorker(half).then(async (worker) => {
    const { precision, gradientPrecision } = (await worker.info()).device;
    worker.dispose();
    return { precision, gradientPrecision };
  }, reason);
  expect([
    { precision: "mixed", gradientPrecision: "half" },
    { name: "DeviceError", message: expect.stringContaining("leave precision out") },
  ]).toContainEqual(own);
  expect(inWorker).toEqual(own);
});

test("a worker can be started from a worker", async () => {
  await erwin.create(config, { seed: 6 });
  const expected = await erwin.forward(batch);
  const library = new URL("../erwin.js", await libraryScript()).href;
  const outer = new Worker(
    scriptUrl(`
      import { createErwinWorker } from ${JSON.stringify(library)};
      addEventListener("message", async ({ data: { config, batch } }) => {
        const erwin = await createErwinWorker({ backend: ${JSON.stringify(quickBackend)} });
        await erwin.create(config, { seed: 6 });
        const out = await erwin.forward(batch);
        erwin.dispose();
        postMessage(out);
      });
      postMessage("listening");`),
    { type: "module" },
  );
  const message = () =>
    new Promise<unknown>((resolve, reject) => {
      outer.onmessage = ({ data }) => resolve(data);
      outer.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  await message();
  outer.postMessage({ config, batch });
  const out = (await message()) as Awaited<ReturnType<ErwinWorker["forward"]>>;
  expect(bits(out.data)).toEqual(bits(expected.data));
  outer.terminate();
});
