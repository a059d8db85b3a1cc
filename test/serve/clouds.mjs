// A small model, and clouds of different sizes with the answers that they must get.
import { writeFileSync } from "node:fs";
import { twoLevels } from "../support/two-levels.mjs";

// The paths are in variables because declarations are generated from the sources, to which the built library does not belong.
const [library, formats] = ["../../dist/erwin.js", "../../dist/formats.js"];
export const { ErwinTransformer, knnGraph, requestDevice, saveSafetensors } =
  /** @type {typeof import("../../src/index.ts")} */ (await import(library));
export const { saveNpy, saveNpz, saveVtu } = /** @type {typeof import("../../src/formats/index.ts")} */ (
  await import(formats)
);

/** @typedef {Awaited<ReturnType<typeof makeModel>>} Model */
/** @typedef {ReturnType<typeof makeCloud>} Cloud */

export const NEIGHBOURS = 8;

/** Creates the model on one thread of the CPU backend, and writes it to a file. @param {string} file */
export async function makeModel(file) {
  const device = await requestDevice({ backend: "cpu", threads: 1 });
  const model = await ErwinTransformer.create(twoLevels, { device, seed: 1 });
  writeFileSync(file, await model.save());
  return model;
}

/** @param {number} number decides the positions @param {number} points */
export function makeCloud(number, points) {
  return Float32Array.from({ length: 3 * points }, (_, i) => Math.sin(12.9898 * (number * 1000 + i)));
}

/**
 * Applies the model to several clouds in one pass.
 * @param {Model} model
 * @param {readonly Cloud[]} clouds
 */
export async function apply(model, clouds) {
  const points = clouds.reduce((sum, { length }) => sum + length / 3, 0);
  const positions = new Float32Array(3 * points);
  const batchIdx = new Int32Array(points);
  let point = 0;
  for (const [i, cloud] of clouds.entries()) {
    positions.set(cloud, 3 * point);
    batchIdx.fill(i, point, point + cloud.length / 3);
    point += cloud.length / 3;
  }
  const options = { dimensionality: 3, batchIdx, k: NEIGHBOURS, loop: false, threads: 1 };
  const edgeIndex = await knnGraph(positions, options);
  const out = await model.forward({ nodeFeatures: positions, nodePositions: positions, batchIdx, edgeIndex });
  const data = await out.data();
  const width = out.shape[1];
  out.dispose();
  return { data, width };
}

/** Returns the answer in JSON that a cloud must get. @param {Model} model @param {Cloud} cloud */
export async function answerTo(model, cloud) {
  const { data, width } = await apply(model, [cloud]);
  const rows = Array.from({ length: cloud.length / 3 }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
  return `${JSON.stringify({ out: rows })}\n`;
}

/** The encoders of a cloud by the format's name. @type {Record<string, (cloud: Cloud) => Buffer>} */
export const encoders = {
  safetensors: (cloud) =>
    Buffer.from(saveSafetensors({ node_positions: { shape: [cloud.length / 3, 3], data: cloud } })),
  npz: (cloud) => Buffer.from(saveNpz({ node_positions: { shape: [cloud.length / 3, 3], data: cloud } })),
  vtu: (cloud) => Buffer.from(saveVtu({ points: { shape: [cloud.length / 3, 3], data: cloud } })),
  json: (cloud) => {
    const positions = Array.from({ length: cloud.length / 3 }, (_, i) => [...cloud.subarray(3 * i, 3 * i + 3)]);
    return Buffer.from(JSON.stringify({ positions }));
  },
};
