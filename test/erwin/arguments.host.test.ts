// Arguments of any type: they mean what the caller intended, or give an error that names the argument; never garbage.

import {
  AdamW,
  buildBallTree,
  ConfigError,
  cloudMeans,
  crossEntropy,
  DisposedError,
  dropout,
  ErwinError,
  ErwinTransformer,
  embeddingLookup,
  FormatError,
  gaussianNegativeLogLikelihood,
  InputError,
  knnGraph,
  mse,
  nn,
  noGrad,
  radiusGraph,
  relativeL2,
  requestDevice,
  saveSafetensors,
  scope,
  Tensor,
} from "erwin";
import { writePointCloud } from "erwin/formats";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { forwardToHost, quickBackend, useDevice } from "../support/models.ts";
import { rejection } from "../support/rejection.ts";

const device = useDevice(quickBackend);
const config = {
  cIn: 2,
  cHidden: [8, 8],
  ballSizes: [8, 4],
  encNumHeads: [2, 2],
  encDepths: [1, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  mlpRatio: 2,
  mpSteps: 1,
  rotate: 45,
};
const points = 12;
const random = seededRandom(5);
const nodePositions = uniformCloud(points, 3, random);
const nodeFeatures = uniformCloud(points, 2, random);
const batchIdx = Int32Array.from({ length: points }, (_, row) => (row < 7 ? 0 : 1));
const division = { dimensionality: 3, batchIdx };
const model = () => ErwinTransformer.create(config, { device: device(), seed: 3 });
// biome-ignore lint/suspicious/noExplicitAny: wrong types are what this is about
type Any = any;

const rowsOf = (values: Float32Array, width: number) =>
  Array.from({ length: values.length / width }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);

/** Copies an array into memory of another kind, `shift` elements from its beginning. */
function copyIn<T extends Float32Array | Int32Array>(array: T, kind: "shared" | "resizable" | "shifted"): T {
  const type = array.constructor as Any;
  const bytes = array.byteLength + 4;
  const buffer =
    kind === "shared"
      ? new SharedArrayBuffer(bytes)
      : kind === "resizable"
        ? new (ArrayBuffer as Any)(bytes, { maxByteLength: 2 * bytes })
        : new ArrayBuffer(bytes);
  const copy = new type(buffer, 4, array.length);
  copy.set(array);
  return copy;
}

/** The global object of another realm: of a frame, or of a context of Node's. */
function otherRealm(): typeof globalThis {
  const vm = globalThis.process?.getBuiltinModule?.("node:vm");
  if (vm) return vm.runInNewContext("globalThis");
  const frame = document.body.appendChild(document.createElement("iframe"));
  return frame.contentWindow as unknown as typeof globalThis;
}

const kinds = ["shared", "resizable", "shifted"] as const;
/** The same numbers in all accepted types. */
const numbersAs = (values: Float32Array, width: number): [string, Any][] => [
  ["Float64Array", Float64Array.from(values)],
  ["plain", [...values]],
  ["nested", rowsOf(values, width)],
  ["rows of Float32Array", rowsOf(values, width).map((row) => Float32Array.from(row))],
  ...kinds.map((kind): [string, Any] => [kind, copyIn(values, kind)]),
];
const indicesAs = (values: Int32Array): [string, Any][] => [
  ["Uint32Array", Uint32Array.from(values)],
  ["BigInt64Array", BigInt64Array.from([...values].map(BigInt))],
  ["plain", [...values]],
  ...kinds.map((kind): [string, Any] => [kind, copyIn(values, kind)]),
];
/** Values that are not an array of numbers, with the type that the error names. */
const noNumbers: [Any, string][] = [
  ["1,2,3", "string"],
  [5, "number"],
  [null, "null"],
  [{ length: 3, 0: 1, 1: 2, 2: 3 }, "Object"],
  [new Uint8Array(4 * 3 * points), "Uint8Array"],
  [new DataView(new ArrayBuffer(4 * 3 * points)), "DataView"],
  [new ArrayBuffer(4 * 3 * points), "ArrayBuffer"],
  [Array(3 * points).fill("1"), "string"],
  [Array(3 * points), "undefined"],
  [[[1, 2, 3], 4, 5], "number"],
];
if (typeof Buffer !== "undefined") noNumbers.push([Buffer.alloc(4 * 3 * points), "Buffer"]);

async function refusal(action: () => unknown, type: new (...args: never[]) => ErwinError = InputError) {
  return (await rejection(Promise.resolve().then(action), type)).message;
}

afterEach(() => vi.restoreAllMocks());

describe("arrays of all accepted types give the same numbers", () => {
  test("positions, batch indices and offsets of trees and graphs", async () => {
    const options = { ...division, strides: [2], ballSizes: [8, 4], rotate: 45 };
    const tree = await buildBallTree(nodePositions, options);
    const graph = await radiusGraph(nodePositions, { ...division, radius: 1 });
    const nearest = await knnGraph(nodePositions, { ...division, k: 3 });
    for (const [name, positions] of numbersAs(nodePositions, 3)) {
      expect(await buildBallTree(positions, options), name).toEqual(tree);
      expect(await radiusGraph(positions, { ...division, radius: 1 }), name).toEqual(graph);
      expect(await knnGraph(positions, { ...division, k: 3 }), name).toEqual(nearest);
    }
    for (const [name, batch] of indicesAs(batchIdx)) {
      expect(await buildBallTree(nodePositions, { ...options, batchIdx: batch }), name).toEqual(tree);
    }
    for (const [name, offsets] of indicesAs(Int32Array.of(0, 7, points))) {
      expect(await buildBallTree(nodePositions, { ...options, batchIdx: undefined, offsets }), name).toEqual(tree);
    }
  });

  test("tensors of the device, for every array of an input", async () => {
    using erwin = await model();
    const edgeIndex = Int32Array.of(0, 1, 8, 1, 2, 9);
    using expected = await erwin.forward({ nodeFeatures, nodePositions, batchIdx, edgeIndex });
    using positions = Tensor.from(device(), nodePositions, [points, 3]);
    using batch = Tensor.from(device(), batchIdx);
    using offsets = Tensor.from(device(), Int32Array.of(0, 7, points));
    using edges = Tensor.from(device(), edgeIndex, [2, 3]);
    for (const division of [{ batchIdx: batch }, { offsets }]) {
      const input = { nodeFeatures, nodePositions: positions, edgeIndex: edges, ...division };
      using output = await erwin.forward(input);
      expect(await output.data()).toEqual(await expected.data());
      // It does not read from the device.
      expect(await refusal(() => erwin.estimateMemory(input))).toMatch(/^(batchIdx|offsets) is Tensor, expected/);
    }
    using wrong = Tensor.from(
      device(),
      batchIdx.map((cloud) => cloud + 1),
    );
    const input = { nodeFeatures, nodePositions, batchIdx: wrong, edgeIndex };
    expect(await refusal(() => erwin.forward(input))).toMatch(/^batchIdx begins with 1/);
  });

  test("integers of a frame or another context", async () => {
    const other = otherRealm();
    for (const [type, array] of [
      ["i32", other.Int32Array.of(1, 2)],
      ["u32", other.Uint32Array.of(1, 2 ** 32 - 1)],
      ["i32", other.BigInt64Array.of(1n, -2n)],
    ] as const) {
      expect(array).not.toBeInstanceOf(globalThis[array.constructor.name as "Int32Array"]);
      using tensor = Tensor.from(device(), array as Int32Array);
      expect(tensor.type).toBe(type);
      expect([...(await tensor.data())]).toEqual([...array].map(Number));
    }
  });

  test("tensors of files, maps and addresses of a frame or another context", async () => {
    const other = otherRealm();
    const tensor = { shape: [2], data: other.Float32Array.of(1, 2) };
    const own = saveSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } });
    expect(saveSafetensors({ a: tensor })).toEqual(own);
    expect(saveSafetensors(new other.Map([["a", tensor]]))).toEqual(own);
    const heat = { data: other.Int32Array.of(3), channels: 1 };
    for (const format of ["ply", "vtk", "csv"]) {
      const cloud = (positions: Float32Array, attribute: typeof heat) =>
        writePointCloud({ positions, dimensionality: 3, attributes: new Map([["heat", attribute]]) }, format);
      expect(cloud(other.Float32Array.of(1, 2, 3), heat), format).toEqual(
        cloud(Float32Array.of(1, 2, 3), { data: Int32Array.of(3), channels: 1 }),
      );
    }
    using erwin = await model();
    using optimizer = new AdamW(new other.Map(erwin.parameters()) as Map<string, Tensor>);
    expect(optimizer.lr).toBeGreaterThan(0);
    // Contexts of Node have no class of their own for addresses.
    const bytes = btoa(String.fromCharCode(...(await erwin.save())));
    const address = new (other.URL ?? URL)(`data:application/octet-stream;base64,${bytes}`);
    using loaded = await ErwinTransformer.load(address, { device: device() });
    expect(await loaded.save()).toEqual(await erwin.save());
  });

  test("a model in a file that was chosen, which may be gone since", async () => {
    using erwin = await model();
    const bytes = await erwin.save();
    const file = new File([bytes], "chosen.safetensors");
    using loaded = await ErwinTransformer.load(file, { device: device() });
    expect(await loaded.save()).toEqual(bytes);
    file.arrayBuffer = () => Promise.reject(new DOMException("it is gone", "NotReadableError"));
    const message = await refusal(() => erwin.load(file, { device: device() }), FormatError);
    expect(message).toBe("chosen.safetensors could not be read: it is gone");
  });

  test("a shape, which its owner may change later", async () => {
    const shape = [2, 2];
    using tensor = Tensor.from(device(), [1, 2, 3, 4], shape);
    shape[1] = 400;
    expect([...(await tensor.data())]).toEqual([1, 2, 3, 4]);
  });

  test("inputs of a model", async () => {
    using erwin = await model();
    const edgeIndex = await knnGraph(nodePositions, { ...division, k: 3 });
    const tree = await buildBallTree(nodePositions, { ...division, ...config, ...unknownToTrees });
    const input = { nodeFeatures, nodePositions, batchIdx, edgeIndex, tree };
    const expected = await forwardToHost(erwin, input);
    const prepared = await erwin.prepare(input);
    await expect(erwin.forward(prepared, { signals: undefined, radius: 1 } as never)).rejects.toThrow(
      "forward has no option radius",
    );
    expect(prepared.nodePositions, "used as it is").toBe(nodePositions);
    expect(prepared.nodeFeatures).toBe(nodeFeatures);
    const half = edgeIndex.length / 2;
    const pair = [edgeIndex.slice(0, half), [...edgeIndex.slice(half)]];
    const changes: [string, object][] = [
      ...numbersAs(nodeFeatures, 2).map(([name, value]): [string, object] => [name, { nodeFeatures: value }]),
      ...numbersAs(nodePositions, 3).map(([name, value]): [string, object] => [name, { nodePositions: value }]),
      ...indicesAs(batchIdx).map(([name, value]): [string, object] => [name, { batchIdx: value }]),
      ...indicesAs(edgeIndex).map(([name, value]): [string, object] => [name, { edgeIndex: value }]),
      ["sources and targets", { edgeIndex: pair }],
      ["without a tree", { tree: undefined }],
      ...indicesAs(tree.treeIdx).map(([name, treeIdx]): [string, object] => [name, { tree: { ...tree, treeIdx } }]),
      ["plain mask", { tree: { ...tree, treeMask: [...tree.treeMask] } }],
      ["rotated orders", { tree: { ...tree, treeIdxRot: tree.treeIdxRot.map((order) => [...order]) } }],
      ["fields of its own", { points, tree }],
    ];
    for (const [name, change] of changes) {
      expect((await forwardToHost(erwin, { ...input, ...change })).data, name).toEqual(expected.data);
    }
  });

  test("arrays into which the caller writes the next points while the pass runs", async () => {
    using network = await model();
    const edgeIndex = Int32Array.from([0, 1, 7, 8, 1, 0, 8, 7]);
    const offsets = Int32Array.of(0, 7, points);
    for (const radius of [0.5, undefined]) {
      const given = { nodeFeatures, nodePositions, offsets, radius, edgeIndex: radius ? undefined : edgeIndex };
      const expected = await forwardToHost(network, given);
      const own = structuredClone(given);
      const running = forwardToHost(network, own);
      const preparing = network.prepare(own, { copy: true });
      own.nodeFeatures.fill(7);
      own.nodePositions.fill(Number.NaN);
      own.offsets[1] = 3;
      own.edgeIndex?.fill(99);
      expect(await running).toEqual(expected);
      expect(await forwardToHost(network, await preparing)).toEqual(expected);
    }
  });

  test("a tree of which the caller writes another into the same arrays", async () => {
    using network = await model();
    const edgeIndex = await knnGraph(nodePositions, { ...division, k: 3 });
    const tree = await buildBallTree(nodePositions, { ...division, ...config, ...unknownToTrees });
    const given = { nodeFeatures, nodePositions, batchIdx, edgeIndex, tree };
    const expected = await forwardToHost(network, given);
    const running = forwardToHost(network, given);
    for (const array of [tree.treeIdx, tree.treeMask, ...tree.treeIdxRot]) array.fill(1);
    expect(await running).toEqual(expected);
  });

  test("the same beside tensors, which are read first", async () => {
    using network = await model();
    using offsets = Tensor.from(device(), Int32Array.of(0, 7, points));
    const edges = (): [number[], number[]] => [
      [0, 1, 7, 8],
      [1, 0, 8, 7],
    ];
    const given = { nodeFeatures, nodePositions, offsets, edgeIndex: edges() };
    const expected = await forwardToHost(network, given);
    const own = { ...given, nodePositions: nodePositions.slice(), edgeIndex: edges() };
    const running = forwardToHost(network, own);
    own.nodePositions.fill(Number.NaN);
    for (const ends of own.edgeIndex) ends.fill(99);
    expect(await running).toEqual(expected);
  });

  test("targets, tensors and look-ups", async () => {
    const values = uniformCloud(4, 2, random);
    const number = async (loss: Tensor) => (await loss.data())[0];
    const output = Tensor.from(device(), uniformCloud(4, 2, random), [4, 2]);
    const wide = Tensor.from(device(), uniformCloud(4, 4, random), [4, 4]);
    const target = Tensor.from(device(), values, [4, 2]);
    for (const [name, given] of [["Float32Array", values] as const, ...numbersAs(values, 2)]) {
      expect(await number(mse(output, given)), name).toBe(await number(mse(output, target)));
      expect(await number(relativeL2(output, given)), name).toBe(await number(relativeL2(output, target)));
      expect(await number(gaussianNegativeLogLikelihood(wide, given)), name).toBe(
        await number(gaussianNegativeLogLikelihood(wide, target)),
      );
      expect(await Tensor.from(device(), given, [4, 2]).data(), name).toEqual(values);
    }
    expect(Tensor.from(device(), rowsOf(values, 2)).shape).toEqual([4, 2]);
    const rows = await embeddingLookup(target, [3, 0]).data();
    for (const [name, indices] of indicesAs(Int32Array.of(3, 0))) {
      expect(await embeddingLookup(target, indices).data(), name).toEqual(rows);
    }
  });
});

/** The fields of a config that a tree's options do not have. */
const unknownToTrees = Object.fromEntries(
  Object.keys(config)
    .filter((name) => !["strides", "ballSizes", "rotate"].includes(name))
    .map((name) => [name, undefined]),
);

describe("everything else is refused by name", () => {
  test("values that are not arrays of numbers", async () => {
    using erwin = await model();
    const output = Tensor.from(device(), nodeFeatures, [points, 2]);
    const input = { nodeFeatures, nodePositions, batchIdx, radius: 1 };
    for (const [wrong, type] of noNumbers) {
      const calls: [string, () => unknown][] = [
        ["positions", () => buildBallTree(wrong, division)],
        ["positions", () => radiusGraph(wrong, { ...division, radius: 1 })],
        ["positions", () => knnGraph(wrong, { ...division, k: 1 })],
        ["nodeFeatures", () => erwin.forward({ ...input, nodeFeatures: wrong })],
        ["nodePositions", () => erwin.forward({ ...input, nodePositions: wrong })],
        ["target", () => mse(output, wrong)],
        ["target", () => relativeL2(output, wrong)],
        ["data", () => Tensor.from(device(), wrong)],
      ];
      for (const [name, call] of calls) {
        const message = await refusal(call);
        expect(message).toContain(name);
        expect(message, name).toContain(type);
      }
    }
    expect(await refusal(() => mse(nodeFeatures as Any, nodeFeatures))).toContain("prediction must be a Tensor");
    expect(await refusal(() => mse(output, new Float32Array(5)))).toContain("[5]");
    expect(await refusal(() => erwin.forward({ ...input, nodeFeatures: rowsOf(nodeFeatures, 3) }))).toContain("[8,3]");
    expect(
      await refusal(() =>
        buildBallTree(
          [
            [1, 2, 3],
            [4, 5],
          ],
          division,
        ),
      ),
    ).toContain("positions[1] has 2 entries");
    expect(await refusal(() => buildBallTree([1e300, 0, 0], { dimensionality: 3 }))).toContain("float32 cannot hold");
    expect(await refusal(() => erwin.forward(undefined as Any))).toContain("nodePositions");
  });

  test("arrays whose memory was transferred, and parts of a tensor that are none", async () => {
    for (const gone of [new Float32Array(3), new Float64Array(3), new Int32Array(3), new BigInt64Array(3)]) {
      structuredClone(gone, { transfer: [gone.buffer] });
      expect(await refusal(() => Tensor.from(device(), gone))).toContain("data has no memory any more");
    }
    expect(await refusal(() => new (Tensor as Any)(device()))).toContain("undefined is not a shape");
    expect(await refusal(() => new Tensor(device(), [2], "f16" as Any))).toContain('"f16" is not the type');
    for (const call of [scope, noGrad] as Any[]) expect(await refusal(() => call())).toContain("expected a function");
  });

  test("what a port from PyTorch gets wrong at first: the message says what does not fit, and what to give", async () => {
    using layer = new nn.Linear(4, 2).initialize({ device: device() });
    using x = Tensor.from(device(), new Float32Array(6), [2, 3]);
    using logits = Tensor.from(device(), new Float32Array(12), [3, 4]);
    const calls: [string, () => unknown][] = [
      ["x has the shape [2,3], but the weight [2,4] maps rows of 4 numbers", () => layer.forward(x)],
      ["x and second have 3 and 3 columns, but the weight", () => layer.forward(x, { second: x })],
      ["a matrix is needed here: reshape(x, [rows, columns])", () => layer.forward(x.detach([6]))],
      ["target has 2 class numbers, expected one for each of the 3 rows", () => crossEntropy(logits, [0, 1])],
      ["a tensor lives on a device", () => (Tensor as Any).from([1, 2])],
      ["random is 3, expected new Random(seed)", () => dropout(x, 0.5, 3 as Any)],
      ["as a batchIdx: expected the first point of each cloud, then 3", () => cloudMeans(logits, [0, 0, 1])],
    ];
    for (const [message, call] of calls) expect(await refusal(call)).toContain(message);
    const gone = Tensor.from(device(), new Float32Array(8), [2, 4]);
    gone.dispose();
    const disposed = "x, of shape [2,4], was used after it was disposed: dispose it later, or use a view()";
    expect(await refusal(() => layer.forward(gone), DisposedError)).toContain(disposed);
    const early = () => knnGraph(Promise.resolve(nodePositions) as Any, { dimensionality: 3, k: 8 });
    expect(await refusal(early)).toContain("positions is a Promise (await it), expected a Float32Array");
    const positional = () => knnGraph(nodePositions, 8 as Any);
    expect(await refusal(positional, ConfigError)).toContain("expected an object that may have dimensionality,");
    using one = cloudMeans(x, [0, 2]);
    expect(one.shape).toEqual([1, 3]);
  });

  test("seeds that are not whole numbers, or beyond those that all exist", async () => {
    for (const seed of [Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 53]) {
      const message = await refusal(() => ErwinTransformer.create(config, { device: device(), seed }));
      expect(message).toContain(`seed is ${seed}, expected a whole number`);
    }
  });

  test("values that are not indices", async () => {
    using erwin = await model();
    const input = { nodeFeatures, nodePositions };
    for (const [wrong, problem] of [
      [[0, 0.5], /\[1\] is 0\.5/],
      [[0, 2 ** 31], /\[1\] is 2147483648/],
      [BigInt64Array.of(0n, 1n << 40n), /\[1\] is 1099511627776/],
      [["0", "1"], /\[0\] is string/],
      ["01", /is string/],
      [new Uint8Array(8), /is Uint8Array/],
    ] as [Any, RegExp][]) {
      for (const name of ["batchIdx", "offsets", "edgeIndex"]) {
        const message = await refusal(() => erwin.forward({ ...input, radius: 1, [name]: wrong }));
        expect(message).toContain(name);
        expect(message).toMatch(problem);
      }
    }
    for (const [edgeIndex, problem] of [
      [
        [
          [0, 1],
          [1, 0],
          [2, 0],
        ],
        "3 lists",
      ],
      [[[0, 1], [1]], "2 sources and 1 targets"],
    ] as [Any, string][]) {
      expect(await refusal(() => erwin.forward({ ...input, edgeIndex }))).toContain(problem);
    }
  });

  test("shapes of tensors, features that do not fit a prepared geometry, and sizes to estimate", async () => {
    for (const shape of [[2.5], ["a"], [-3], 4] as Any[]) {
      expect(await refusal(() => new Tensor(device(), shape))).toContain("is not a shape");
    }
    using plain = await ErwinTransformer.create({ ...config, mpSteps: 0 }, { device: device() });
    const geometry = await plain.prepareGeometry({ nodePositions });
    using half = Tensor.from(device(), nodeFeatures.slice(0, points), [points / 2, 2]);
    using integers = Tensor.from(device(), new Int32Array(2 * points), [points, 2]);
    for (const wrong of [half, integers]) {
      expect(await refusal(() => plain.forward({ ...geometry, nodeFeatures: wrong }))).toContain("nodeFeatures holds");
    }
    using erwin = await model();
    // The name of its edges is another one.
    expect(await refusal(() => erwin.forward({ nodeFeatures, nodePositions, edges: [] } as Any))).toContain(
      "edgeIndex",
    );
    expect(await refusal(() => (erwin as Any).forward(nodeFeatures, nodePositions))).toContain(
      "a model takes an object",
    );
    expect(await refusal(() => erwin.forward({ node_features: nodeFeatures, nodePositions } as Any))).toContain(
      "did you mean nodeFeatures?",
    );
    for (const wrong of [{ points, edges: -1 }, { points, edges: Number.NaN }, { points: -1, edges: 1 }, undefined]) {
      await refusal(() => erwin.estimateMemory(wrong as Any));
    }
    const cut = { nodeFeatures, nodePositions: nodePositions.subarray(1), edgeIndex: [0, 0] };
    for (const call of [() => erwin.estimateMemory(cut), () => erwin.forward(cut)]) {
      expect(await refusal(call)).toMatch(/nodePositions has \d+ numbers, expected a multiple of 3/);
    }
  });

  test("options that do not exist, with a suggestion", async () => {
    const misspelt = (name: string, value: unknown) => ({ [name]: value }) as Any;
    const calls: [() => unknown, string][] = [
      [() => radiusGraph(nodePositions, { ...division, radius: 1, ...misspelt("maxNeighbours", 4) }), "maxNeighbors"],
      [() => knnGraph(nodePositions, { ...division, k: 1, ...misspelt("Loop", true) }), "loop"],
      [() => buildBallTree(nodePositions, { ...division, ...misspelt("ball_sizes", [4]) }), "ballSizes"],
      [() => requestDevice(misspelt("backends", "cpu")), "backend"],
      [() => ErwinTransformer.create(config, { device: device(), ...misspelt("sed", 1) }), "seed"],
      [() => ErwinTransformer.load(new Uint8Array(), { device: device(), ...misspelt("confg", {}) }), "config"],
    ];
    for (const [call, meant] of calls) expect(await refusal(call, ConfigError)).toContain(`did you mean ${meant}?`);
    for (const wrong of [undefined, nodePositions]) {
      const message = await refusal(() => radiusGraph(nodePositions, wrong as Any), ConfigError);
      expect(message).toContain("expected an object");
    }
    const response = await refusal(() => ErwinTransformer.load(new Response() as Any, { device: device() }));
    expect(response).toContain("found: Response");
    expect(await refusal(() => ErwinTransformer.create(config, {} as Any), ConfigError)).toContain("device");
    using erwin = await model();
    const input = { nodeFeatures, nodePositions, radius: 1, ...misspelt("maxNeighbours", 4) };
    expect(await refusal(() => erwin.forward(input))).toContain("did you mean maxNeighbors?");
  });
});

test("a radius takes maxNeighbors, and a truncated graph gives one warning", async () => {
  using erwin = await model();
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const edges = async (more: object) =>
    (await erwin.prepare({ nodeFeatures, nodePositions, radius: 10, ...more })).edges?.sources.length;
  expect(await edges({})).toBe(points * points);
  expect(await edges({ maxNeighbors: Number.POSITIVE_INFINITY })).toBe(points * points);
  expect(await edges({ maxNeighbors: points })).toBe(points * points);
  expect(warn).not.toHaveBeenCalled();
  expect(await edges({ maxNeighbors: 5 })).toBe(5 * points);
  expect(await edges({ maxNeighbors: 4 })).toBe(4 * points);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]?.[0]).toContain(
    `point 0 has ${points} neighbours within the radius 10, of which its graph keeps the 5 nearest`,
  );
  expect(warn.mock.calls[0]?.[0]).toContain("maxNeighbors");
  using another = await model();
  await another.prepare({ nodeFeatures, nodePositions, radius: 10, maxNeighbors: 4 });
  expect(warn).toHaveBeenCalledTimes(1);
  await another.prepare({ nodeFeatures, nodePositions, radius: 1, maxNeighbors: 1 });
  const [, point, count] = /point (\d+) has (\d+) neighbours within the radius 1,/.exec(warn.mock.calls[1]?.[0]) ?? [];
  const width = nodePositions.length / points;
  const squares = Array.from({ length: points }, (_, other) =>
    Array.from(
      { length: width },
      (_, d) => nodePositions[other * width + d] - nodePositions[Number(point) * width + d],
    ),
  ).map((offset) => offset.reduce((sum, value) => sum + value * value, 0));
  expect(Number(count)).toBe(squares.filter((square) => square < 1).length);
  expect(Number(count)).toBeLessThan(points);
});

describe("noGrad", () => {
  test("applies to a forward pass whose input is still to be prepared, and to nothing else", async () => {
    using erwin = (await model()).train();
    const input = { nodeFeatures, nodePositions, radius: 1 };
    const [without, beside] = await Promise.all([noGrad(() => erwin.forward(input)), erwin.forward(input)]);
    expect(without.history).toBeUndefined();
    expect(beside.history).toBeDefined();
    without.dispose();
    beside.dispose();
  });

  test("refuses a function that continues after an await", async () => {
    expect(await refusal(() => noGrad(async () => 1))).toContain("async");
  });
});

test("any arguments give a result or an ErwinError", async () => {
  using erwin = await model();
  const number = fc.oneof(fc.integer({ min: -2, max: 12 }), fc.double(), fc.constantFrom(0.5, 2 ** 31, -0, Number.NaN));
  const list = fc.array(number, { maxLength: 40 });
  const typed = fc
    .tuple(
      list,
      fc.constantFrom(
        ...[Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array, Int16Array, DataView, BigInt64Array],
      ),
      fc.constantFrom(...kinds),
    )
    .map(([values, type, kind]): unknown => {
      if (type === DataView) return new DataView(new ArrayBuffer(values.length));
      if (type === BigInt64Array)
        return BigInt64Array.from(values.map((value) => BigInt(Number.isFinite(value) ? Math.trunc(value) : 0)));
      const array = (type as Any).from(values);
      return array instanceof Float32Array || array instanceof Int32Array ? copyIn(array, kind) : array;
    });
  const rows = fc
    .integer({ min: 1, max: 4 })
    .chain((width) => fc.array(fc.array(number, { minLength: width, maxLength: width })));
  const anything = fc.oneof(
    list,
    typed,
    rows,
    fc.array(list),
    fc.string(),
    fc.constantFrom(null, undefined, 3, true, {}),
  );
  const good = <T>(value: T) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant<unknown>(value) }, { weight: 1, arbitrary: anything });
  const calls = fc.record({
    nodeFeatures: good(nodeFeatures),
    nodePositions: good(nodePositions),
    batchIdx: good(undefined),
    offsets: good(undefined),
    edgeIndex: good([0, 1, 1, 0]),
    radius: good(undefined),
    maxNeighbors: good(undefined),
    strides: good([2]),
    tree: good(undefined),
  });
  vi.spyOn(console, "warn").mockImplementation(() => {});
  await fc.assert(
    fc.asyncProperty(calls, anything, async (given: Any, wrong: Any) => {
      const { nodePositions: positions, batchIdx: batch, offsets, radius, maxNeighbors, strides } = given;
      const options = { dimensionality: 3, batchIdx: batch, offsets };
      const output = Tensor.from(device(), nodeFeatures, [points, 2]);
      for (const call of [
        () => buildBallTree(positions, { ...options, strides }),
        () => radiusGraph(positions, { ...options, radius, maxNeighbors }),
        () => knnGraph(positions, { ...options, k: wrong }),
        () => buildBallTree(positions, wrong),
        () => erwin.prepare(given),
        () => erwin.estimateMemory(given),
        () => mse(output, wrong),
        () => gaussianNegativeLogLikelihood(output, wrong),
        () => Tensor.from(device(), wrong),
        () => Tensor.from(device(), nodeFeatures, wrong),
        () => embeddingLookup(output, wrong),
      ]) {
        try {
          const result: Any = await call();
          if (result instanceof Tensor) {
            expect(result.shape.every(Number.isInteger)).toBe(true);
            result.dispose();
          }
        } catch (error) {
          if (!(error instanceof ErwinError)) throw error;
        }
      }
      output.dispose();
    }),
    { numRuns: 150 },
  );
});
