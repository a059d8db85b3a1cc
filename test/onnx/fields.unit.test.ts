// The exported model of a folder's fields, run by onnxruntime on the numbers of the files: it gives what the model itself predicts.

import { buildBallTree, disposeThreads, exportOnnx, knnGraph, requestDevice } from "erwin";
import { folderExperiment, MemorySource, resolveOptions } from "erwin/experiments";
import { saveNpz } from "erwin/formats";
import * as ort from "onnxruntime-web";
import { afterAll, expect, test } from "vitest";
import { unoptimised } from "../../src/build/unoptimised.mjs";
import { seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";

ort.env.wasm.numThreads = 1;
const device = await requestDevice({ backend: "cpu", threads: 2 });
afterAll(async () => {
  device.dispose();
  await disposeThreads();
});

const points = 50;
const tree = { strides: [2], ballSizes: [16, 16], rotate: 45 };
const model = {
  ...{ c_in: 4, c_hidden: 8, ball_sizes: tree.ballSizes, strides: tree.strides, rotate: tree.rotate },
  ...{ enc_depths: [2, 1], enc_num_heads: [2, 4], dec_depths: [1], dec_num_heads: [2] },
};
const graph = { kind: "knn", k: 4 };
/** The earlier frames that a model of a sequence sees. */
const history = 2;

/** A file's arrays: numbers, labels, and both of the whole; coordinates of a map if `far`. */
function arraysOf(seed: number, far: boolean) {
  const random = seededRandom(seed);
  const numbers = (...shape: number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return { shape, data: Float64Array.from({ length: size }, () => 10 + 3 * random()) };
  };
  const labels = (least: number) => {
    const data = Int32Array.from({ length: points }, (_, i) => (i % 4) + least);
    return { shape: [points], data };
  };
  const positions = numbers(points, 3);
  if (far) positions.data = positions.data.map((x, i) => 5 * x + [512345, 5423456, 0][i % 3]);
  const ofPoints = {
    a: numbers(points),
    b: numbers(points, 2),
    kind: labels(-1),
    p: numbers(points),
    v: numbers(points, 2),
  };
  const ofWhole = { speed: numbers(2), drag: numbers(1), mode: { shape: [1], data: Int32Array.of(seed % 2) } };
  return { positions, ...ofPoints, region: labels(0), ...ofWhole };
}

const configs = {
  fields: {
    inputs: { a: { normalise: "range" }, b: {}, kind: { classes: 3, ignore: [-1, 1] } },
    globals: { speed: {}, mode: { classes: 2 } },
    targets: { p: { loss: "gaussian" }, v: {}, region: { classes: 4 }, drag: { whole: true } },
  },
  "a single target on a map": { inputs: ["a"], targets: ["v"] },
  "a sequence": { inputs: ["a"], targets: ["p", "v"], sequence: true },
  "a sequence with gaps": { targets: { p: { missing: "nan" }, v: {} }, sequence: true },
  "a sequence with earlier frames and gaps": { targets: { p: { missing: "nan" }, v: {} }, sequence: { history } },
  "a sequence with earlier frames": { inputs: ["a"], targets: ["p", "v"], sequence: { history } },
};

test.each(Object.entries(configs))("%s", async (name, given) => {
  const earlier = name.includes("earlier") ? history : 0;
  const files = Array.from(
    { length: earlier + 2 },
    (_, i) => [`s_${i}.npz`, arraysOf(i + 1, name.includes("map"))] as const,
  );
  if (name.includes("gaps")) for (const [_, { p }] of files) p.data.fill(Number.NaN, 3, 7);
  const source = new MemorySource(new Map(files.map(([file, arrays]) => [file, saveNpz(arrays)])));
  const experiment = folderExperiment({ ...given, model, graph, splits: { train: ["*"] } });
  const options = resolveOptions(experiment.options) as never;
  const data = await experiment.load("train", options, source);
  const built = experiment.build(experiment.config(options)).initialize({ device, seed: 3 });
  built.eval();
  const cloud = await data!.load(0, undefined as never);
  const predicted = await experiment.predictFields(built, cloud);
  const file = await exportOnnx(built);
  built.dispose();

  const arrays = files[earlier][1];
  const session = await unoptimised(() => ort.InferenceSession.create(file, { executionProviders: ["wasm"] }));
  const origin = name.includes("map") ? experiment.fields!.inputs[0].mean : undefined;
  const found = await buildBallTree(cloud.positions, { dimensionality: 3, ...tree });
  const edges = await knnGraph(cloud.positions, { dimensionality: 3, k: graph.k, loop: true });
  const integers = (values: Int32Array, shape = [values.length]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), shape);
  const rows = (key: keyof typeof arrays, rows: number, from = arrays) => {
    const { data } = from[key];
    if (data instanceof Int32Array) return integers(data);
    const shift = (key === "positions" && origin) || [0];
    const numbers = Float32Array.from(data, (value, i) => value - shift[i % shift.length]);
    return new ort.Tensor("float32", numbers, data.length === rows ? [rows] : [rows, data.length / rows]);
  };
  const feeds: Record<string, ort.Tensor> = {
    node_positions: rows("positions", points),
    edge_index: integers(edges, [2, edges.length / 2]),
    tree_idx: integers(found.treeIdx),
    tree_mask: new ort.Tensor("uint8", found.treeMask, [found.treeMask.length]),
    ...Object.fromEntries(found.treeIdxRot!.map((order, level) => [`tree_idx_rot.${level}`, integers(order)])),
  };
  for (const key of ["a", "b", "kind", "p", "v"] as const) feeds[key] = rows(key, points);
  for (const key of ["p", "v"] as const) {
    for (let back = 1; back <= earlier; back++)
      feeds[`${key}_before_${back}`] = rows(key, points, files[earlier - back][1]);
  }
  for (const key of ["speed", "mode"] as const) feeds[key] = rows(key, 1);
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((input) => [input, feeds[input]])));
  await session.release();

  const only = predicted.length === 1;
  for (const { name: field, prediction, deviation, channels, isClass, isWhole } of predicted) {
    const named = (what: string) => outputs[only ? what : `${what}_${field}`];
    if (isClass) {
      const { data: logits, dims } = named("logits");
      const classes = dims[1];
      const best = Array.from(prediction, (_, i) => {
        const own = Array.from((logits as Float32Array).slice(i * classes, (i + 1) * classes));
        return own.indexOf(Math.max(...own));
      });
      expect(best, field).toEqual([...prediction]);
      continue;
    }
    const count = isWhole ? channels : prediction.length;
    expect(named("prediction").dims, field).toEqual([count / channels, ...(channels === 1 ? [] : [channels])]);
    const [given, wanted] = [named("prediction").data as Float32Array, prediction.slice(0, count)];
    const gaps = [given, wanted].map((values) => Array.from(values, Number.isNaN));
    expect(gaps[0], field).toEqual(gaps[1]);
    expect(gaps[1].filter((isGap) => isGap)).toHaveLength(name.includes("gaps") && field === "p" ? 4 : 0);
    const known = (values: Float32Array | Float64Array) => Array.from(values).filter((_, i) => !gaps[1][i]);
    expectClose(known(given), known(wanted), 1e-5, field);
    if (deviation) expectClose(named("deviation").data as Float32Array, Array.from(deviation), 1e-5, field);
  }
});
