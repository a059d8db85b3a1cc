// What each project builds: a page that uses the library in all the ways in which it loads files of its own.
import { createErwinWorker, ErwinTransformer, knnGraph, requestDevice } from "erwin";

const count = 300;
const nodePositions = Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(i * i));
const nodeFeatures = nodePositions.slice();
const batchIdx = new Int32Array(count);
const config = { cIn: 3, cHidden: [8], ballSizes: [16], encNumHeads: [2], encDepths: [1], strides: [] };

export async function run() {
  const edgeIndex = await knnGraph(nodePositions, { k: 4, dimensionality: 3 });
  const input = { nodeFeatures, nodePositions, batchIdx, edgeIndex };
  const options = { ...config, decNumHeads: [], decDepths: [], mpSteps: 1 };
  const device = await requestDevice({ backend: "cpu" });
  const model = await ErwinTransformer.create(options, { device, seed: 1 });
  const expected = await (await model.forward(input)).data();
  const worker = await createErwinWorker({ backend: "cpu" });
  await worker.create(options, { seed: 1 });
  const { data } = await worker.forward(input);
  worker.dispose();
  if (!expected.every(Number.isFinite) || expected.length !== 8 * count) throw new Error("the model's output is wrong");
  if (data.some((value, i) => value !== expected[i])) throw new Error("the worker computes something else");
  return "right";
}
