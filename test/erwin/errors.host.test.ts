// Wrong input, configs and checkpoints: each gives the named error, says where, and leaves the device usable.

import {
  CheckpointError,
  ConfigError,
  DisposedError,
  ErwinError,
  ErwinTransformer,
  FormatError,
  InputError,
  requestDevice,
  saveSafetensors,
  Tensor,
} from "erwin";
import { describe, expect, test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { checkpointBytes, forwardToHost, modelFrom, useDevice } from "../support/models.ts";
import { type ReferenceConfigInput, referenceForward } from "../support/reference.ts";
import { rejection } from "../support/rejection.ts";

const config = {
  cIn: 3,
  cHidden: [8, 8],
  ballSizes: [8, 4],
  encNumHeads: [2, 2],
  encDepths: [2, 1],
  decNumHeads: [2],
  decDepths: [2],
  strides: [2],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
} satisfies ReferenceConfigInput;
const state = randomState(config, 1);
const random = seededRandom(2);
// Two clouds: rows 0 to 9 and rows 10 to 24.
const batch = joinClouds([10, 15].map((n) => randomCloud(n, cloudOptions(config), random)));
const device = useDevice();

/** Returns `values` with one of them replaced. */
function withValue<T extends Float32Array | Int32Array>(values: T | undefined, index: number, value: number): T {
  const copy = values?.slice() as T;
  copy[index] = value;
  return copy;
}

describe("an input error says where", () => {
  test.each([
    {
      name: "a NaN position",
      input: { nodePositions: withValue(batch.nodePositions, 3 * 17 + 1, Number.NaN) },
      row: 17,
    },
    { name: "an infinite position", input: { nodePositions: withValue(batch.nodePositions, 3 * 4, -1 / 0) }, row: 4 },
    // Its distances are not finite, and so would be the output.
    { name: "a huge position", input: { nodePositions: withValue(batch.nodePositions, 3 * 9, -1e38) }, row: 9 },
    { name: "a batch index that decreases", input: { batchIdx: withValue(batch.batchIdx, 20, 0) }, row: 20 },
    { name: "a batch index that begins at 1", input: { batchIdx: batch.batchIdx.map((b) => b + 1) }, row: 0 },
    { name: "a gap in the batch index", input: { batchIdx: batch.batchIdx.map((b) => 2 * b) }, row: 10 },
  ])("$name: row $row", async ({ input, row }) => {
    using model = await modelFrom(config, state, device());
    const error = await rejection(model.forward({ ...batch, ...input }), InputError);
    expect(error.details.row, error.message).toBe(row);
    expect(error.message).toContain(String(row));
  });

  const edges = batch.edgeIndex as Int32Array;
  test.each([
    { name: "an edge's source beyond the nodes", edgeIndex: withValue(edges, 7, 25), found: "25" },
    { name: "an edge's target beyond the nodes", edgeIndex: withValue(edges, edges.length - 1, 1000), found: "1000" },
    { name: "a negative edge", edgeIndex: withValue(edges, 0, -1), found: "-1" },
  ])("$name", async ({ edgeIndex, found }) => {
    using model = await modelFrom(config, state, device());
    const error = await rejection(model.forward({ ...batch, edgeIndex }), InputError);
    expect(error.message).toMatch(/edge/i);
    expect(error.message).toContain(found);
  });

  test.each([
    { name: "features of another width", input: { nodeFeatures: new Float32Array(25 * 4) }, says: /feature/i },
    {
      name: "positions of another dimensionality",
      input: { nodePositions: new Float32Array(25 * 2) },
      says: /position/i,
    },
    { name: "a batch index for other points", input: { batchIdx: batch.batchIdx.slice(1) }, says: /batch/i },
    { name: "an odd number of edge ends", input: { edgeIndex: edges.slice(1) }, says: /edge/i },
    { name: "neither edges nor radius", input: { edgeIndex: undefined }, says: /radius/i },
    {
      name: "no points",
      input: {
        nodeFeatures: new Float32Array(),
        nodePositions: new Float32Array(),
        batchIdx: new Int32Array(),
        edgeIndex: new Int32Array(),
      },
      says: /empty|no points|at least one/i,
    },
  ])("$name", async ({ input, says }) => {
    using model = await modelFrom(config, state, device());
    const error = await rejection(model.forward({ ...batch, ...input }), InputError);
    expect(error.message).toMatch(says);
  });
});

test("features that are a tensor of as many numbers, but in columns, are an input error", async () => {
  using model = await modelFrom(config, state, device());
  using nodeFeatures = Tensor.from(device(), batch.nodeFeatures, [config.cIn, 25]);
  const error = await rejection(model.forward({ ...batch, nodeFeatures }), InputError);
  expect(error.message).toMatch(
    /nodeFeatures holds \d+ numbers for 25 points, which is 25 a point; the model's cIn is/,
  );
});

test.each([-1, Number.NaN])("a radius of %d is a config error", async (radius) => {
  using model = await modelFrom(config, state, device());
  const error = await rejection(model.forward({ ...batch, edgeIndex: undefined, radius }), ConfigError);
  expect(error.details.field).toBe("radius");
});

describe("a tree that does not belong to the input is an input error", () => {
  // A valid tree, which the cases damage: both clouds have 16 slots.
  const slots = (start: number, n: number) =>
    Array.from({ length: 16 }, (_, slot) => start + Math.floor((slot * n) / 16));
  const treeIdx = Int32Array.from([...slots(0, 10), ...slots(10, 15)]);
  const treeMask = Uint8Array.from(treeIdx, (point, slot) => (treeIdx[slot - 1] === point ? 0 : 1));
  const rotated = (nodes: number) => Int32Array.from({ length: nodes }, (_, i) => i);
  const tree = { treeIdx, treeMask, treeIdxRot: [rotated(32), rotated(16)] };

  test("the tree as it is works", async () => {
    using model = await modelFrom(config, state, device());
    const out = await forwardToHost(model, { ...batch, tree });
    expectClose(out.data, referenceForward(config, state, { ...batch, tree }).data, 1e-5, "out", { columns: 8 });
  });

  test.each([
    { name: "a point beyond the input", broken: { treeIdx: withValue(treeIdx, 31, 25) } },
    { name: "a negative point", broken: { treeIdx: withValue(treeIdx, 3, -1) } },
    { name: "a point twice", broken: { treeMask: treeMask.map((value, slot) => (slot === 1 ? 1 : value)) } },
    {
      name: "a point that has nothing but a duplicate",
      broken: { treeMask: treeMask.map((value, slot) => (slot === 0 ? 0 : value)) },
    },
    { name: "a rotated node twice", broken: { treeIdxRot: [rotated(32), withValue(rotated(16), 5, 4)] } },
    { name: "too few slots", broken: { treeIdx: treeIdx.slice(0, 31) } },
    { name: "too short a mask", broken: { treeMask: treeMask.slice(0, 31) } },
    { name: "a rotated node beyond the level", broken: { treeIdxRot: [rotated(32), withValue(rotated(16), 5, 16)] } },
    { name: "too few nodes in a rotated level", broken: { treeIdxRot: [rotated(31), rotated(16)] } },
    { name: "a rotated level too few", broken: { treeIdxRot: [rotated(32)] } },
  ])("$name", async ({ broken }) => {
    using model = await modelFrom(config, state, device());
    const error = await rejection(model.forward({ ...batch, tree: { ...tree, ...broken } }), InputError);
    expect(error.message).toMatch(/tree/i);
  });
});

describe("a config error names the field", () => {
  test.each([
    { field: "cIn", change: { cIn: 0 } },
    { field: "cHidden", change: { cHidden: [8] } },
    { field: "ballSizes", change: { ballSizes: [8, 3] } },
    { field: "encNumHeads", change: { encNumHeads: [2, 3] } },
    { field: "decNumHeads", change: { decNumHeads: [5] } },
    { field: "encDepths", change: { encDepths: [2, 2, 2] } },
    { field: "decDepths", change: { decDepths: [] } },
    { field: "strides", change: { strides: [3] } },
    { field: "rotate", change: { rotate: Number.NaN } },
    { field: "rotate", change: { rotate: -45 } },
    { field: "mlpRatio", change: { mlpRatio: -1 } },
    { field: "dimensionality", change: { dimensionality: 4 } },
    { field: "mpSteps", change: { mpSteps: -1 } },
    // These would exhaust the host's memory before anything is computed.
    { field: "encDepths", change: { encDepths: [1e5, 1] } },
    { field: "mpSteps", change: { mpSteps: 1e6 } },
    { field: "cHidden", change: { cHidden: [1e6, 1e6] } },
    { field: "cHidden", change: { cHidden: 2 ** 16 } },
    { field: "ballSizes", change: { ballSizes: Array(1e5).fill(8) } },
    { field: "strides", change: { strides: Array(1e5).fill(2) } },
  ])("$field: $change", async ({ field, change }) => {
    const wrong = { ...config, ...change };
    for (const attempt of [
      ErwinTransformer.create(wrong, { device: device(), seed: 0 }),
      ErwinTransformer.load(saveSafetensors(new Map(), { config: JSON.stringify(wrong) }), { device: device() }),
    ]) {
      const error = await rejection(attempt, ConfigError);
      expect(error.details.field, error.message).toBe(field);
      expect(error.message).toContain(field);
      expect(error.message.length).toBeLessThan(200);
    }
  });

  test("a value above a limit that can be raised says how", async () => {
    const creation = ErwinTransformer.create({ ...config, cHidden: [8, 2 ** 20] }, { device: device() });
    const { message } = (await creation.catch((error: unknown) => error)) as Error;
    expect(message).toMatch(/not 1048576, more than the limit width, \d+: setLimits\(\{ width: 1048576 \}\)/);
    const below = ErwinTransformer.create({ ...config, cHidden: [8, 0] }, { device: device() });
    expect(((await below.catch((error: unknown) => error)) as Error).message).not.toContain("limit");
  });

  test("stride 1 between different widths", async () => {
    const creation = ErwinTransformer.create({ ...config, strides: [1], cHidden: [8, 16] }, { device: device() });
    const error = await rejection(creation, ConfigError);
    expect(["strides", "cHidden"]).toContain(error.details.field);
  });
});

describe("a checkpoint", () => {
  const load = (bytes: Uint8Array<ArrayBuffer>) => ErwinTransformer.load(bytes, { device: device() });
  const bytes = checkpointBytes(config, state);

  test.each([
    { name: "cut within the tensors", broken: bytes.slice(0, -4) },
    { name: "cut within the header", broken: bytes.slice(0, 100) },
    { name: "of no bytes", broken: new Uint8Array() },
    { name: "with a damaged header", broken: bytes.map((byte, i) => (i > 40 && i < 60 ? 0xff : byte)) },
    { name: "with an absurd header length", broken: bytes.map((byte, i) => (i < 8 ? 0x7f : byte)) },
  ])("$name is a format error", async ({ broken }) => {
    await rejection(load(broken), FormatError);
  });

  test("that does not fit lists every missing, unexpected and misshapen tensor", async () => {
    const wrong = new Map(state);
    wrong.delete("bottleneck.blocks.0.norm1.weight");
    wrong.delete("decoder.0.unpool.norm.running_var");
    wrong.set("embed.embed_fn.bias", { shape: [9], data: new Float32Array(9) });
    wrong.set("encoder.0.pool.proj.weight", { shape: [22, 8], data: new Float32Array(22 * 8) });
    wrong.set("encoder.1.blocks.0.norm1.weight", { shape: [8], data: new Float32Array(8) });
    wrong.set("head.weight", { shape: [1], data: new Float32Array(1) });
    const { message, details } = await rejection(load(checkpointBytes(config, wrong)), CheckpointError);
    const names = (list: unknown) => [...(list as string[])].sort();
    expect(names(details.missing)).toEqual(["bottleneck.blocks.0.norm1.weight", "decoder.0.unpool.norm.running_var"]);
    expect(names(details.unexpected)).toEqual(["encoder.1.blocks.0.norm1.weight", "head.weight"]);
    // A misshapen tensor's entry may continue with the shapes, so only its beginning is compared.
    expect(names(details.misshapen)).toEqual([
      expect.stringMatching(/^embed\.embed_fn\.bias/),
      expect.stringMatching(/^encoder\.0\.pool\.proj\.weight/),
    ]);
    expect(message).toContain("embed.embed_fn.bias");
  });

  test("that was part of another model is recognised by its prefix, in a readable message", async () => {
    const part = new Map([...state].map(([name, tensor]) => [`model.${name}`, tensor]));
    const { message, details } = await rejection(load(checkpointBytes(config, part)), CheckpointError);
    expect(message).toContain('The names begin with "model.": remove it');
    expect(details.unexpected).toHaveLength(state.size);
    expect(message.split("model.").length).toBeLessThan(state.size);
  });

  test("without a config needs one, and loads with it", async () => {
    const bare = saveSafetensors(state);
    const error = await load(bare).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ErwinError);
    expect((error as ErwinError).message).toMatch(/config/i);
    using given = await ErwinTransformer.load(bare, { device: device(), config });
    using stored = await modelFrom(config, state, device());
    expect(await forwardToHost(given, batch)).toEqual(await forwardToHost(stored, batch));
  });
});

describe("after dispose", () => {
  test("a model says so", async () => {
    const model = await modelFrom(config, state, device());
    model.dispose();
    model.dispose();
    await rejection(model.forward(batch), DisposedError);
    await rejection((async () => model.save())(), DisposedError);
  });

  test("an output says so", async () => {
    using model = await modelFrom(config, state, device());
    const out = await model.forward(batch);
    out.dispose();
    out.dispose();
    await rejection((async () => out.data())(), DisposedError);
  });

  test("a device says so", async () => {
    const other = await requestDevice({ backend: "webgpu" });
    other.dispose();
    other.dispose();
    await rejection(modelFrom(config, state, other), DisposedError);
  });
});

test("an aborted call rejects with the signal's reason, frees what it took, and the model goes on", async () => {
  using model = await modelFrom(config, state, device());
  const expected = await forwardToHost(model, batch);
  const { memory } = device();
  const before = memory.current;
  const controller = new AbortController();
  const { signal } = controller;
  // All of them are building their trees.
  const calls = [model.forward(batch, { signal }), model.upload(batch, { signal }), model.prepare(batch, { signal })];
  const ended = Promise.allSettled(calls);
  controller.abort();
  for (const end of await ended) expect(end).toEqual({ status: "rejected", reason: signal.reason });
  using out = await model.forward(batch);
  const late = new AbortController();
  const reading = out.data({ signal: late.signal });
  late.abort();
  await expect(reading).rejects.toBe(late.signal.reason);
  expect(await out.data()).toEqual(expected.data);
  out.dispose();
  expect(memory.current).toBe(before);
});

test("after all these errors the device computes as before and holds no more memory", async () => {
  using model = await modelFrom(config, state, device());
  await forwardToHost(model, batch);
  const { memory } = device();
  const before = memory.current;
  for (const input of [
    { nodePositions: withValue(batch.nodePositions, 0, Number.NaN) },
    { edgeIndex: withValue(batch.edgeIndex, 0, 99) },
    { nodeFeatures: new Float32Array(1) },
  ]) {
    await rejection(model.forward({ ...batch, ...input }), InputError);
  }
  expect(memory.current).toBe(before);
  const out = await forwardToHost(model, batch);
  expectClose(out.data, referenceForward(config, state, batch).data, 1e-5, "out", { columns: 8 });
});
