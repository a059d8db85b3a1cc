// The exported file, run by onnxruntime: it computes what the stored outputs say, and what the model itself computes.

import { setTimeout as delay } from "node:timers/promises";
import {
  add,
  cos,
  disposeThreads,
  ErwinTransformer,
  exportOnnx,
  InputError,
  nn,
  type OnnxGraph,
  requestDevice,
  scope,
  Tensor,
} from "erwin";
import * as ort from "onnxruntime-web";
import { afterAll, describe, expect, test } from "vitest";
import { unoptimised } from "../../src/build/unoptimised.mjs";
import { encodeModel } from "../../src/onnx/proto.ts";
import { type Batch, cloudOptions, joinClouds, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { forwardCases, loadGoldenCase, numbers } from "../support/golden.ts";
import { forwardToHost, modelFrom } from "../support/models.ts";
import type { ReferenceConfigInput } from "../support/reference.ts";

ort.env.wasm.numThreads = 1;
const device = await requestDevice({ backend: "cpu", threads: 2 });
afterAll(async () => {
  device.dispose();
  await disposeThreads();
});

const tolerance = 1e-5;

type GivenTree = { treeIdx: Int32Array; treeMask: Uint8Array; treeIdxRot?: Int32Array[] };

/** Runs the file on arrays named as the command line's files name them. */
async function runOnnx(file: Uint8Array, cloud: Batch, { treeIdx, treeMask, treeIdxRot = [] }: GivenTree) {
  const rows = (data: Float32Array) =>
    new ort.Tensor("float32", data, [cloud.batchIdx.length, data.length / cloud.batchIdx.length]);
  const integers = (data: Int32Array, shape = [data.length]) =>
    new ort.Tensor("int64", BigInt64Array.from(data, BigInt), shape);
  const arrays: Record<string, ort.Tensor> = {
    node_features: rows(cloud.nodeFeatures),
    node_positions: rows(cloud.nodePositions),
    tree_idx: integers(treeIdx),
    tree_mask: new ort.Tensor("uint8", treeMask, [treeMask.length]),
  };
  if (cloud.edgeIndex) arrays.edge_index = integers(cloud.edgeIndex, [2, cloud.edgeIndex.length / 2]);
  treeIdxRot.forEach((order, level) => {
    arrays[`tree_idx_rot.${level}`] = integers(order);
  });
  // The first one compiles onnxruntime.
  const session = await unoptimised(() => ort.InferenceSession.create(file, { executionProviders: ["wasm"] }));
  try {
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, arrays[name]]));
    const { out } = await session.run(feeds);
    return { inputs: session.inputNames, shape: out.dims, data: out.data as Float32Array };
  } finally {
    await session.release();
  }
}

/** What the file gives and what the model gives, for random clouds of these sizes. */
async function both(model: ErwinTransformer, config: object, sizes: number[], degree = 3, points?: number) {
  const random = seededRandom(7);
  const cloud = joinClouds(sizes.map((size) => randomCloud(size, cloudOptions(config, degree), random)));
  const prepared = await model.prepare(cloud);
  const exported = await runOnnx(await exportOnnx(model, { points }), cloud, prepared.tree);
  return { exported, expected: await forwardToHost(model, prepared) };
}

/** Its clouds have fewer nodes than its balls, so that no exported graph can be right for all of them. */
const smallClouds = "s_small_clouds_eval";

describe.each(forwardCases.filter((name) => name !== smallClouds))("%s", (name) => {
  test("is exported with its numbers", async () => {
    const { golden, config, train, state, input } = await loadGoldenCase(name);
    using model = await modelFrom(config, state, device);
    const out = await runOnnx(await exportOnnx(model), input, input.tree!);
    // What is stored for the cases in training mode is not what evaluation gives.
    const expected = train ? (await forwardToHost(model, input)).data : numbers(golden, "out_f64");
    expectClose(out.data, expected, tolerance, "out", { columns: out.shape[1] });
  });
});

/** With everything a model has; the clouds below have duplicates, and nodes that no edge arrives at. */
const full = {
  cIn: 5,
  cHidden: 8,
  ballSizes: [32, 32, 16, 16],
  encNumHeads: [2, 4, 8, 16],
  encDepths: [2, 2, 3, 2],
  decNumHeads: [4, 4, 8],
  decDepths: [2, 2, 2],
  strides: [2, 2, 2],
  rotate: 45,
} satisfies ReferenceConfigInput;
const oneLevel = { cIn: 3, cHidden: 8, ballSizes: [16], encNumHeads: [2], encDepths: [2], mpSteps: 0 };

describe("a random model and two clouds", () => {
  test.each<[string, ReferenceConfigInput, string]>([
    [
      "with everything",
      full,
      "edge_index tree_idx tree_mask tree_idx_rot.0 tree_idx_rot.1 tree_idx_rot.2 tree_idx_rot.3",
    ],
    [
      "without a graph, rotation or third dimension",
      { ...full, mpSteps: 0, rotate: 0, dimensionality: 2 },
      "tree_idx tree_mask",
    ],
    [
      "without decoder",
      { ...full, decode: false, encDepths: [1, 2, 0, 3] },
      "edge_index tree_idx tree_idx_rot.1 tree_idx_rot.3",
    ],
    [
      "with strides of 1 and 4, balls of 1, a wide feed-forward part and missing blocks",
      {
        ...full,
        cHidden: [8, 8, 16, 16],
        strides: [1, 4, 1],
        ballSizes: [32, 16, 1, 8],
        mlpRatio: 5,
        mpSteps: 1,
        encDepths: [1, 0, 2, 1],
        encNumHeads: [2, 4, 8, 2],
        decDepths: [0, 2, 1],
        rotate: 30,
      },
      "edge_index tree_idx tree_mask tree_idx_rot.1 tree_idx_rot.2",
    ],
    ["of one level", oneLevel, "tree_idx tree_mask"],
  ])("%s", async (_, config, inputs) => {
    using model = await modelFrom(
      { rotate: 0, decNumHeads: [], decDepths: [], strides: [], ...config },
      randomState(config, 1),
      device,
    );
    const { exported, expected } = await both(model, config, [300, 157]);
    expect(exported.inputs).toEqual(["node_features", "node_positions", ...inputs.split(" ")]);
    expect(exported.shape).toEqual(expected.shape);
    expectClose(exported.data, expected.data, tolerance, "out", { columns: expected.shape[1] });
  });

  /** What the file says of the clouds that it is for. */
  const cloudsOf = async (model: ErwinTransformer, points?: number) =>
    /of \d+ (to \d+ points|points or more)/.exec(
      new TextDecoder("latin1").decode(await exportOnnx(model, { points })),
    )?.[0];

  test("that no edge connects, the smallest of which the balls are right for", async () => {
    using model = await modelFrom(full, randomState(full, 2), device);
    const { exported, expected } = await both(model, full, [65, 200], 0);
    expectClose(exported.data, expected.data, tolerance, "out");
    expect(await cloudsOf(model)).toBe("of 65 points or more");
  });

  test("that are smaller than the balls, when the export is for such", async () => {
    using model = await modelFrom(full, randomState(full, 3), device);
    const { exported, expected } = await both(model, full, [32, 17], 3, 20);
    expectClose(exported.data, expected.data, tolerance, "out");
    expect(await cloudsOf(model, 20)).toBe("of 17 to 32 points");
  });
});

test("a module of one's own is exported by its method onnx, its parts by themselves", async () => {
  const config = { ...full, cIn: 6, mpSteps: 0 };
  class Wrapper extends nn.Module {
    readonly embedding = this.child("embedding", new nn.Linear(3, 6, { bias: false }));
    readonly norm = this.child("norm", new nn.BatchNorm(6));
    readonly main = this.child("main_model", new ErwinTransformer(config));
    readonly head = this.child(
      "head",
      new nn.Sequential(
        new nn.RMSNorm(8),
        new nn.SiLU(),
        new nn.MLP([8, 8, 8]),
        new nn.Dropout(0.3),
        new nn.ReLU(),
        new nn.Linear(8, 2),
      ),
    );
    readonly shift = this.parameter("shift", [1, 2], nn.uniform(1));

    async forward(input: Parameters<ErwinTransformer["forward"]>[0] & { nodePositions: Float32Array }) {
      using nodeFeatures = scope(() => {
        const positions = Tensor.from(device, input.nodePositions, [input.nodePositions.length / 3, 3]);
        return this.norm.forward(cos(this.embedding.forward(positions)));
      });
      using nodes = await this.main.forward({ ...input, nodeFeatures });
      return scope(() => add(this.head.forward(nodes), this.shift.tensor));
    }

    onnx(graph: OnnxGraph) {
      const positions = graph.input("node_positions", "float32", ["points", 3], "positions of the points");
      const features = graph.module(this.norm, graph.node("Cos", [graph.module(this.embedding, positions)]));
      const value = graph.module(this.head, graph.module(this.main, features));
      const out = graph.add(value, graph.parameter("shift"));
      graph.output(out, "out", ["points", 2], "in the order of the points");
      return out;
    }
  }
  using model = new Wrapper().initialize({ device, seed: 3 });
  const random = seededRandom(8);
  for (const tensor of model.state().values())
    tensor.set(Float32Array.from({ length: tensor.size }, () => random() + 0.1));
  const cloud = joinClouds([300, 157].map((size) => randomCloud(size, cloudOptions(config), random)));
  const { tree } = await model.main.prepare({ ...cloud, nodeFeatures: new Float32Array(6 * cloud.batchIdx.length) });
  using expected = await model.forward({ ...cloud, tree });
  const exported = await runOnnx(await exportOnnx(model), cloud, tree);
  expect(exported.inputs[0]).toBe("node_positions");
  expectClose(exported.data, await expected.data(), tolerance, "out", { columns: 2 });

  class Opaque extends nn.Module {
    readonly part = this.child("part", new nn.Linear(1, 1));
  }
  using opaque = new Opaque().initialize({ device });
  await expect(exportOnnx(opaque)).rejects.toThrow(/Opaque has no ONNX description/);

  const mistakes: [(graph: OnnxGraph, own: nn.Module, foreign: nn.Module) => unknown, RegExp][] = [
    [(graph) => graph.weight("part.wieght"), /^the model has no weight part\.wieght: did you mean part\.weight\?$/],
    [(graph, own) => graph.at(own).parameter("scale"), /^part has no weight scale: known are weight, bias$/],
    [(graph, _, foreign) => graph.module(foreign, "x"), /^Linear is no part of the exported model: .*this\.child/],
    [(graph) => graph.module(undefined as never), /^undefined is no part of the exported model/],
  ];
  for (const [mistake, message] of mistakes) {
    class Mistaken extends Opaque {
      onnx = (graph: OnnxGraph) => String(mistake(graph, this.part, opaque.part));
    }
    using mistaken = new Mistaken().initialize({ device });
    // The weights' order is the model's, even if the first of them is read last.
    const { weight } = mistaken.part;
    const read = weight.data.bind(weight);
    weight.data = (options) => delay(5).then(() => read(options));
    const error = await exportOnnx(mistaken).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
  }
});

test("what cannot be exported is refused", async () => {
  using model = await modelFrom(full, randomState(full, 3), device);
  await expect(exportOnnx(model, { points: 3 })).rejects.toMatchObject({
    name: "ConfigError",
    details: { field: "points", level: 2, nodes: 1, stride: 2 },
  });
  const data = { byteLength: 2 ** 31 } as Float32Array;
  const initializers = [{ name: "w", type: "float32" as const, shape: [2 ** 29], data }];
  const graph = { name: "", nodes: [], initializers, inputs: [], outputs: [] };
  expect(() => encodeModel({ producer: { name: "", version: "" }, doc: "", opset: 17, graph, metadata: {} })).toThrow(
    expect.objectContaining({ name: "FormatError", details: { bytes: expect.any(Number), limit: 2 ** 31 - 1 } }),
  );
});
