// Workers that live and say nothing: whoever waits for them hears of it after the limit, and nobody waits for ever. Workers that are
// busy for longer are left alone.

import {
  buildBallTree,
  createErwinWorker,
  DeviceLostError,
  disposeThreads,
  knnGraph,
  requestDevice,
  setAssets,
  setLimits,
  WorkerError,
} from "erwin";
import { DataWorkers, type DataWorkersOptions } from "erwin/experiments";
import { afterEach, expect, test } from "vitest";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { oneBlock } from "../support/configs.ts";
import { rejection } from "../support/rejection.ts";
import { changedScript, scriptUrl } from "../worker/scripts.ts";

const SECONDS = 0.5;
/** Of workers that are not to be taken for hung: longer than a busy machine keeps a thread waiting. */
const LONG_SECONDS = 2;
const limitSilence = (seconds = SECONDS) => setLimits({ silenceSeconds: seconds });
afterEach(async () => {
  setLimits({});
  setAssets(undefined);
  await disposeThreads();
});

const cloud = randomCloud(20, cloudOptions(oneBlock), seededRandom(1));
const cpu = { backend: "cpu", threads: 1 } as const;
const silent = new RegExp(
  `no sign of life from .* for ${SECONDS} s: .*setLimits\\({ silenceSeconds: ${2 * SECONDS} }\\)`,
);

/** Hangs for ever. Deno does not end workers that compute (2.9.5), so there it sleeps, for longer than the tests wait. */
const hang =
  "Deno" in globalThis ? "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);" : "for (;;);";

/** A script of the library's threads, whose module never returns from `run`. */
function hangingThread(name: "pool-worker.js" | "kernels-worker.js"): Promise<string> {
  const before = `const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...given) => {
      const { exports } = (await instantiate(...given)).instance;
      return { instance: { exports: { ...exports, run() { ${hang} } } } };
    };`;
  // Deno starts no threads from other URLs.
  const urlOf = "Deno" in globalThis ? (code: string) => `data:text/javascript,${encodeURIComponent(code)}` : scriptUrl;
  return changedScript({ before, name, urlOf });
}

/** A script that hangs when it is asked to do this. */
const hangsOn = (call: string) =>
  `addEventListener("message", ({ data }) => { if (data.path?.[0] === "${call}") ${hang} });`;

test("a model's worker: all its calls are rejected", async () => {
  const erwin = await createErwinWorker({ ...cpu, url: await changedScript({ before: hangsOn("forward") }) });
  await erwin.create(oneBlock);
  limitSilence();
  const errors = await Promise.all([rejection(erwin.forward(cloud)), rejection(erwin.save())]);
  expect(errors[0]).toBeInstanceOf(WorkerError);
  expect(errors[0].message).toMatch(silent);
  expect(errors[1]).toBe(errors[0]);
  expect(await rejection(erwin.info())).toBe(errors[0]);
  erwin.dispose();
});

test("a model's worker is not silent while it works, pauses, or the caller's thread is busy", async () => {
  using erwin = await createErwinWorker(cpu);
  await erwin.create(oneBlock);
  limitSilence(LONG_SECONDS);
  const forward = erwin.forward(cloud);
  for (const end = performance.now() + 1200 * LONG_SECONDS; performance.now() < end; );
  expect((await forward).shape).toEqual([20, 8]);
  const schedule = { kind: "constant", lr: 0.001 } as const;
  const sample = { ...cloud, target: new Float32Array(20) };
  const training = erwin.train({ samples: [sample], steps: 2, batchSize: 1, schedule });
  training.pause();
  await new Promise((resolve) => setTimeout(resolve, 1500 * LONG_SECONDS));
  training.resume();
  expect((await training.finished).step).toBe(2);
});

test("a worker that makes a training's batches", async () => {
  setAssets({ "data-worker.js": await changedScript({ before: hangsOn("open"), name: "data-worker.js" }) });
  limitSilence();
  const error = await rejection(DataWorkers.start(1, {} as DataWorkersOptions));
  expect(error).toBeInstanceOf(WorkerError);
  expect(error.message).toMatch(silent);
});

test("the threads of trees: the call is rejected, and the next ones work", async () => {
  await disposeThreads();
  setAssets({ "pool-worker.js": await hangingThread("pool-worker.js") });
  limitSilence();
  const positions = Float32Array.from({ length: 3 * 5000 }, (_, i) => Math.sin(i));
  const call = rejection(knnGraph(positions, { dimensionality: 3, k: 4, threads: 2 }));
  await disposeThreads();
  const error = await call;
  expect(error).toBeInstanceOf(WorkerError);
  expect(error.message).toMatch(silent);
  setAssets(undefined);
  expect((await buildBallTree(positions, { dimensionality: 3, threads: 2 })).treeIdx.length).toBe(8192);
});

test("the threads of trees are not silent while they work", async () => {
  const graph = (points: number) => {
    const positions = Float32Array.from({ length: 5 * points }, (_, i) => Math.sin(i));
    return knnGraph(positions, { dimensionality: 5, k: 4, threads: 1 });
  };
  await graph(500);
  const begin = performance.now();
  await graph(3000);
  const seconds = (performance.now() - begin) / 1000;
  // In more than three dimensions, all pairs are compared: so many points take one and a half times the limit.
  const points = Math.ceil(3000 * Math.sqrt((1.5 * LONG_SECONDS) / seconds));
  limitSilence(LONG_SECONDS);
  expect((await graph(points)).length).toBe(2 * 4 * points);
});

test("the threads of the CPU backend: the device is lost", async () => {
  setAssets({ "kernels-worker.js": await hangingThread("kernels-worker.js") });
  limitSilence();
  // It computes to check the device.
  const error = await rejection(requestDevice({ backend: "cpu", threads: 2 }));
  expect(error).toBeInstanceOf(DeviceLostError);
  expect(error.message).toMatch(silent);
});
