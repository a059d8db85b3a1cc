// Writes the files that peers are compared on: the benchmarks' model with seeded weights, and inputs with tree, graph and this
// library's output, so that every peer can show that it computes the same values.
//
//   deno run -A src/bench/peers/cases.ts --output FOLDER [--clouds B] [--points N,N] [--channels C] [--backend cpu]
//
// model.safetensors is a checkpoint, model.onnx the same model for ONNX runtimes; each <clouds>x<points>.safetensors holds the
// arrays that the command line reads, and
//   target [N, C]    the target of the training step's mean squared error
//   out    [N, C]    the model's output in eval mode, computed by the backend (default: cpu)
//   loss   []        mse(output in train mode, target) before any step

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type BackendName,
  type Device,
  disposeThreads,
  ErwinTransformer,
  exportOnnx,
  knnGraph,
  mse,
  Random,
  requestDevice,
  type SafeTensorInput,
  saveSafetensors,
  Tensor,
} from "erwin";
import { readmeModel } from "../../erwin/presets.ts";
import { caseClouds, caseGraph } from "../cases/case.ts";

/** Makes one input with its expected results. */
async function makeInput(device: Device, checkpoint: Uint8Array, clouds: number, points: number): Promise<Uint8Array> {
  // Each input has a fresh model: a pass in train mode changes the running statistics.
  const model = await ErwinTransformer.load(checkpoint, { device });
  const { config } = model;
  const { nodeFeatures, nodePositions, offsets } = caseClouds(config, clouds, points);
  const { dimensionality } = config;
  const edgeIndex = await knnGraph(nodePositions, { dimensionality, offsets, ...caseGraph });
  const prepared = await model.prepare({ nodeFeatures, nodePositions, offsets, edgeIndex });

  const out = await model.eval().forward(prepared);
  const { shape, size } = out;
  const outValues = await out.data();
  // The output is freed before the next pass: the largest sizes fill a device.
  out.dispose();
  const random = new Random(points, "target");
  const target = Float32Array.from({ length: size }, () => random.normal());
  using expected = Tensor.from(device, target, shape);
  using outInTraining = await model.train().forward(prepared);
  using loss = mse(outInTraining, expected);

  const total = clouds * points;
  const { treeIdx, treeMask, treeIdxRot } = prepared.tree;
  const arrays: Record<string, SafeTensorInput> = {
    node_features: { shape: [total, config.cIn], data: nodeFeatures },
    node_positions: { shape: [total, dimensionality], data: nodePositions },
    batch_idx: { shape: [total], data: Int32Array.from({ length: total }, (_, i) => Math.floor(i / points)) },
    edge_index: { shape: [2, edgeIndex.length / 2], data: edgeIndex },
    tree_idx: { shape: [treeIdx.length], data: treeIdx },
    tree_mask: { shape: [treeMask.length], data: treeMask },
    target: { shape, data: target },
    out: { shape, data: outValues },
    loss: { shape: [], data: await loss.data() },
  };
  model.dispose();
  treeIdxRot.forEach((data, level) => {
    arrays[`tree_idx_rot.${level}`] = { shape: [data.length], data };
  });
  return saveSafetensors(new Map(Object.entries(arrays)));
}

/** Parses an integer of at least 1. */
function count(text: string, option: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${option} is "${text}", expected whole numbers from 1`);
}

const { values } = parseArgs({
  options: {
    output: { type: "string" },
    clouds: { type: "string", default: "1" },
    points: { type: "string", default: "2048,4096" },
    channels: { type: "string", default: "32" },
    backend: { type: "string", default: "cpu" },
  },
});
if (!values.output) {
  console.error("error: --output is missing: the folder to write to");
  process.exit(2);
}
const clouds = count(values.clouds, "clouds");
const sizes = values.points.split(",").map((text) => count(text, "points"));
const config = readmeModel(count(values.channels, "channels"));

mkdirSync(values.output, { recursive: true });
const device = await requestDevice({ backend: values.backend as BackendName });
const model = await ErwinTransformer.create(config, { device });
const checkpoint = await model.save();
writeFileSync(join(values.output, "model.safetensors"), checkpoint);
writeFileSync(join(values.output, "model.onnx"), await exportOnnx(model));
for (const points of sizes) {
  const input = await makeInput(device, checkpoint, clouds, points);
  writeFileSync(join(values.output, `${clouds}x${points}.safetensors`), input);
}
device.dispose();
disposeThreads();
