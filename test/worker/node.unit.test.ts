// Node as a full host: all threads, a model in a worker, checkpoints by path and by file: URL. Node 20 has neither
// `navigator` nor web workers, and fetches no files.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import {
  createErwinWorker,
  type Device,
  ErwinTransformer,
  type ErwinWorker,
  FormatError,
  InputError,
  requestDevice,
  WorkerError,
} from "erwin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { oneBlock } from "../support/configs.ts";

const config = oneBlock;
const cloud = randomCloud(20, cloudOptions(config), seededRandom(1));
const folder = mkdtempSync(join(tmpdir(), "erwin node #1 "));
const file = join(folder, "model.safetensors");

let device: Device;
let erwin: ErwinWorker;
let expected: Float32Array;
beforeAll(async () => {
  device = await requestDevice({ backend: "cpu" });
  erwin = await createErwinWorker({ backend: "cpu" });
  const model = await ErwinTransformer.create(config, { device, seed: 1 });
  writeFileSync(file, await model.save());
  expected = (await (await model.forward(cloud)).data()) as Float32Array;
  model.dispose();
});
afterAll(() => {
  erwin.dispose();
  device.dispose();
  rmSync(folder, { recursive: true });
});

test("a device has a thread for each processor, here and in a worker", async () => {
  const threads = Math.min(availableParallelism(), 8);
  for (const { description } of [device.info, (await erwin.info()).device]) {
    expect(description).toContain(`${threads} thread`);
  }
});

test("a checkpoint is loaded by its path or file: URL, here and in a worker", async () => {
  const places = [file, relative(process.cwd(), file), pathToFileURL(file), pathToFileURL(file).href];
  for (const place of places) {
    const model = await ErwinTransformer.load(place, { device });
    expect(await (await model.forward(cloud)).data(), String(place)).toEqual(expected);
    model.dispose();
    await erwin.load(place);
    expect((await erwin.forward(cloud)).data, String(place)).toEqual(expected);
  }
});

test("a checkpoint that is missing is a FormatError that names it", async () => {
  const error: FormatError = await ErwinTransformer.load("missing.safetensors", { device }).catch((reason) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect(error.message).toContain("missing.safetensors");
});

test("errors of a worker keep their class, and training reports its progress", async () => {
  await erwin.create(config);
  const nodePositions = cloud.nodePositions.slice();
  nodePositions[4] = Number.NaN;
  await expect(erwin.forward({ ...cloud, nodePositions })).rejects.toBeInstanceOf(InputError);
  const schedule = { kind: "cosine", lr: 1e-3, minLr: 1e-4, steps: 2, warmup: 0 } as const;
  const target = new Float32Array(20 * 8);
  const steps: number[] = [];
  const options = { samples: [{ ...cloud, target }], steps: 2, batchSize: 1, logEvery: 1, schedule };
  await erwin.train(options, ({ step }) => steps.push(step)).finished;
  expect(steps.at(-1)).toBe(2);
});

test("a worker script that is missing, and one that ends, are WorkerErrors that name it", async () => {
  const ends = join(folder, "ends.mjs");
  writeFileSync(ends, "process.exit(3);");
  for (const script of [join(folder, "missing.mjs"), ends]) {
    const url = pathToFileURL(script);
    const error: WorkerError = await createErwinWorker({ url }).catch((reason) => reason);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.details.url).toBe(url.href);
  }
});
