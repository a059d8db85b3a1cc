// A worker that was ended from outside: what waits for it is told, and what comes after it works.

import {
  buildBallTree,
  createErwinWorker,
  DeviceLostError,
  disposeThreads,
  knnGraph,
  requestDevice,
  WorkerError,
} from "erwin";
import { expect, test } from "vitest";
import { watchWorkers } from "../worker/scripts.ts";

const positions = Float32Array.from({ length: 3 * 5000 }, (_, i) => Math.sin(i));
const options = { dimensionality: 3, threads: 2 };

test("of the trees' threads: calls fail or are right, and none waits for ever", async () => {
  await disposeThreads();
  const { result: tree, started } = await watchWorkers(() => buildBallTree(positions, options));
  const edges = await knnGraph(positions, { ...options, k: 8 });
  started[0].worker.terminate();
  // Until the end is noticed, the other thread may do all the work in time; what is under way at that moment fails.
  for (let call = 0; call < 10; call++) {
    const found = await knnGraph(positions, { ...options, k: 8 }).catch((error: unknown) => error);
    if (found instanceof Int32Array) expect(found).toEqual(edges);
    else expect(found).toBeInstanceOf(WorkerError);
  }
  expect((await buildBallTree(positions, options)).treeIdx).toEqual(tree.treeIdx);
  await disposeThreads();
});

test("of the CPU backend: the device is lost", async () => {
  const { result: device, started } = await watchWorkers(() => requestDevice({ backend: "cpu", threads: 2 }));
  started[1].worker.terminate();
  const error = await device.lost;
  expect(error).toBeInstanceOf(DeviceLostError);
  expect(error.message).toContain("thread 1 of the CPU backend");
  device.dispose();
});

test("with a model: its calls are rejected", async () => {
  const { result: erwin, started } = await watchWorkers(() => createErwinWorker({ backend: "cpu", threads: 1 }));
  started[0].worker.terminate();
  await expect(erwin.info()).rejects.toBeInstanceOf(WorkerError);
  erwin.dispose();
});
