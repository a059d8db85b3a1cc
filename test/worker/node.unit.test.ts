// Node as a full host: all threads, a model in a worker, checkpoints by path and by file: URL. Node 20 has neither
// `navigator` nor web workers, and fetches no files.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
  setLimits,
  WorkerError,
} from "erwin";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
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

// As in happy-dom, beside which the threads of Node are still Node's.
test("a worker serves a simulated page that has locks, although the worker has none", async () => {
  vi.stubGlobal("navigator", { locks: {} });
  try {
    using other = await createErwinWorker({ backend: "cpu" });
    expect((await other.info()).device.description).toContain("thread");
  } finally {
    vi.unstubAllGlobals();
  }
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

test("a worker that hangs is a WorkerError", async () => {
  const script = join(folder, "hangs.mjs");
  const library = new URL("../../dist/assets/model-worker.js", import.meta.url);
  const hangs = "({ path }) => { while (path?.[0] === 'save'); }";
  const code = `import { parentPort } from "node:worker_threads"; parentPort.on("message", ${hangs});`;
  writeFileSync(script, `${code} import(${JSON.stringify(library.href)});`);
  const hanging = await createErwinWorker({ backend: "cpu", threads: 1, url: pathToFileURL(script) });
  setLimits({ silenceSeconds: 0.3 });
  const error: WorkerError = await hanging.save().catch((reason) => reason);
  setLimits({});
  expect(error).toBeInstanceOf(WorkerError);
  expect(error.message).toContain("no sign of life from the worker file:");
  hanging.dispose();
});

test("loading from an address that never answers ends by a signal, here and in a worker, which serves on", async () => {
  await erwin.load(file);
  let requests = 0;
  const server = createServer(() => requests++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`;
  const controller = new AbortController();
  const { signal } = controller;
  const loads = [
    ErwinTransformer.load(url, { device, signal }),
    erwin.load(url, { signal }),
    erwin.setMode("eval", { signal }),
  ];
  const ended = Promise.allSettled(loads);
  await vi.waitFor(() => expect(requests).toBe(2), { timeout: 60_000 });
  controller.abort();
  for (const end of await ended) expect(end).toEqual({ status: "rejected", reason: signal.reason });
  expect((await erwin.forward(cloud)).data).toEqual(expected);
  server.closeAllConnections();
  server.close();
});

test("a device or a worker that is being started ends by a signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const starts = [requestDevice({ backend: "cpu", signal }), createErwinWorker({ backend: "cpu", threads: 1, signal })];
  const ended = Promise.allSettled(starts);
  controller.abort();
  for (const end of await ended) expect(end).toEqual({ status: "rejected", reason: signal.reason });
  await expect(createErwinWorker({ signal })).rejects.toBe(signal.reason);
});
