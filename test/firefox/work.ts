// What a page in Firefox and Node both compute, from golden files, to be compared: trees, a forward pass, and a
// training step. Loaded by the page as it is, so it imports nothing of the test runner.

import {
  AdamW,
  buildBallTree,
  type Device,
  ErwinTransformer,
  loadSafetensors,
  mse,
  saveSafetensors,
  Tensor,
} from "erwin";
import { loadGolden } from "../support/files.ts";
import { loadGoldenCase } from "../support/golden.ts";

export const forwardCase = "c_3d_rot_eval";
export const trainingCase = "h_adamw_3steps";

type Results = Map<string, { shape: number[]; data: Float32Array | Int32Array | Uint8Array | BigInt64Array }>;

/** All results by name, as a safetensors file, which keeps every bit on its way out of a page. */
export async function compute(device: Device, threads: number): Promise<Uint8Array<ArrayBuffer>> {
  const results: Results = new Map();
  await buildTree(results, threads);
  await runForward(results, device);
  await runStep(results, device);
  return saveSafetensors(results);
}

async function buildTree(results: Results, threads: number): Promise<void> {
  const { tensors, metadata } = await loadGolden("tree_rot_3d");
  const { strides, ball_sizes: ballSizes, rotate } = JSON.parse(metadata.config);
  const { treeIdx, treeMask, treeIdxRot } = await buildBallTree(tensors.get("node_positions")!.data as Float32Array, {
    dimensionality: 3,
    batchIdx: tensors.get("batch_idx")!.data as Int32Array,
    strides,
    ballSizes,
    rotate,
    threads,
  });
  const arrays = { treeIdx, treeMask, ...Object.fromEntries(treeIdxRot.map((order, i) => [`treeIdxRot.${i}`, order])) };
  for (const [name, data] of Object.entries(arrays)) results.set(`tree.${name}`, { shape: [data.length], data });
}

async function runForward(results: Results, device: Device): Promise<void> {
  const { config, state, input } = await loadGoldenCase(forwardCase);
  const model = await loadModel(config, state, device);
  model.eval();
  const out = await model.forward(input);
  results.set("forward.out", { shape: [...out.shape], data: (await out.data()) as Float32Array });
  out.dispose();
  model.dispose();
}

async function runStep(results: Results, device: Device): Promise<void> {
  const { golden, config, state, input } = await loadGoldenCase(trainingCase);
  const { lr, betas, eps, weight_decay: weightDecay } = JSON.parse(golden.metadata.optimizer);
  const model = await loadModel(config, state, device);
  model.train();
  const optimizer = new AdamW(model.parameters(), { lr, betas, eps, weightDecay });
  const { data, shape } = golden.tensors.get("target")!;
  const target = Tensor.from(device, data as Float32Array, shape);
  const out = await model.forward(input);
  const loss = mse(out, target);
  await loss.backward();
  optimizer.step({ loss });
  await optimizer.check();
  results.set("step.loss", { shape: [1], data: (await loss.data()) as Float32Array });
  for (const [name, tensor] of loadSafetensors(await model.save()).tensors) {
    results.set(`step.after.${name}`, { shape: [...tensor.shape], data: tensor.data as Float32Array });
  }
  for (const thing of [loss, out, target, optimizer, model]) thing.dispose();
}

const loadModel = (config: object, state: Parameters<typeof saveSafetensors>[0], device: Device) =>
  ErwinTransformer.load(saveSafetensors(state, { config: JSON.stringify(config) }), { device });
