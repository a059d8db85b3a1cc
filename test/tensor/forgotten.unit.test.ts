// Tensors that nobody disposed: their memory is used again once other memory is needed. In Node, whose garbage collector can be called.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ErwinTransformer, requestDevice } from "erwin";
import { expect, test } from "vitest";
import { small } from "../support/models.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Collects garbage, and waits for what is told of it. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("forgotten results of a training are used again, and what is still referred to keeps its numbers", () => {
  const program = join(import.meta.dirname, "forgotten.mjs");
  const { stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  const { peakMegabytes, total, gradient } = JSON.parse(stdout);
  expect(peakMegabytes).toBeLessThan(110);
  expect(total).toBe(4 * 2 ** 20);
  expect(gradient).toEqual([4]);
});

test("how much memory is in use does not depend on the garbage collector, as long as there is enough", async () => {
  using device = await requestDevice({ backend: "cpu" });
  using model = await ErwinTransformer.create(small, { device });
  model.train();
  const nodePositions = Float32Array.from({ length: 90 }, (_, i) => Math.sin(i));
  const nodeFeatures = new Float32Array(120).fill(1);
  await model.forward({ nodeFeatures, nodePositions, radius: 1 });
  const { current } = device.memory;
  await collectGarbage();
  (await model.upload({ nodeFeatures, nodePositions, radius: 1 })).dispose();
  expect(device.memory.current).toBe(current);
  device.trim();
  expect(device.memory.current).toBeLessThan(current);
});
