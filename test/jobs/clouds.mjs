// A small model, and clouds for it to predict.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { twoLevels } from "../support/two-levels.mjs";

// The path is in a variable because declarations are generated from the sources, to which the built library does not belong.
const path = "../../dist/erwin.js";
export const library = /** @type {typeof import("../../src/index.ts")} */ (await import(path));

/**
 * Writes a model and clouds of 64 points.
 * @param {string} model the model's file
 * @param {string} clouds the folder of the clouds, which is made
 * @param {number} count the number of clouds
 */
export async function makeClouds(model, clouds, count) {
  const { ErwinTransformer, requestDevice, saveSafetensors } = library;
  const device = await requestDevice({ backend: "cpu", threads: 1 });
  writeFileSync(model, await (await ErwinTransformer.create(twoLevels, { device, seed: 1 })).save());
  device.dispose();
  mkdirSync(clouds);
  for (let i = 0; i < count; i++) {
    const data = Float32Array.from({ length: 192 }, (_, k) => Math.sin(12.9898 * (i * 192 + k)));
    writeFileSync(join(clouds, `${i}.safetensors`), saveSafetensors({ node_positions: { shape: [64, 3], data } }));
  }
}
