// What goes wrong in a worker, or with it, reaches the caller as the named error, soon, and settles every call.

import {
  ConfigError,
  createErwinWorker,
  DeviceError,
  DeviceLostError,
  DisposedError,
  ErwinError,
  ErwinTransformer,
  type ErwinWorker,
  FormatError,
  InputError,
  Tensor,
  WorkerError,
} from "erwin";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { noBlock, oneBlock } from "../support/configs.ts";
import { forwardToHost, quickBackend, useDevice } from "../support/models.ts";
import { rejection } from "../support/rejection.ts";
import { changedScript, libraryScript, scriptUrl, watchWorkers } from "./scripts.ts";

/** With widths that are all multiples of 4, one kernel serves for all products of one kind: browsers take seconds to compile each. */
const config = { ...oneBlock, cIn: 4 };
const cloud = randomCloud(20, cloudOptions(config), seededRandom(1));
const device = useDevice();

let erwin: ErwinWorker;
beforeAll(async () => {
  erwin = await workerWithModel({ backend: quickBackend });
});
afterAll(() => erwin.dispose());

/** A worker with a model, by default the one that starts quickest. */
async function workerWithModel(options: Parameters<typeof createErwinWorker>[0] = {}, its: typeof config = config) {
  const erwin = await createErwinWorker({ backend: "cpu", threads: 1, ...options });
  await erwin.create(its);
  return erwin;
}

describe("an error in the worker", () => {
  test("keeps its class, message, details and stack, and the worker serves on", async () => {
    const nodePositions = cloud.nodePositions.slice();
    nodePositions[3 * 7 + 1] = Number.NaN;
    const error = await rejection(erwin.forward({ ...cloud, nodePositions }), InputError);
    expect(error).toBeInstanceOf(ErwinError);
    expect(error.details).toMatchObject({ tensor: "nodePositions", row: 7, column: 1 });
    expect(error.message).toContain("row 7");
    expect(error.stack).toContain("assets/model");
    expect((await erwin.forward(cloud)).shape).toEqual([20, 8]);
  });

  test("of a config, a mode and a checkpoint says so", async () => {
    expect((await rejection(erwin.create({ ...config, ballSizes: [9] }), ConfigError)).details.field).toBe("ballSizes");
    await rejection(erwin.load(Uint8Array.of(1, 2, 3)), FormatError);
    expect((await rejection(erwin.setMode("other" as "eval"), ConfigError)).details.field).toBe("mode");
  });

  test("of another kind keeps its name", async () => {
    const before = `addEventListener("message", ({ data }) => {
      if (data.path?.[0] === "forward") Number.isFinite = () => { throw new RangeError("odd"); };
    });`;
    using odd = await workerWithModel({ url: await changedScript({ before }) });
    await expect(odd.forward(cloud)).rejects.toMatchObject({ name: "RangeError", message: "odd" });
  });
});

describe("an aborted call", () => {
  test("rejects at once, whether it runs or waits, and the worker serves on", async () => {
    const input = { ...cloud, radius: 0.1 };
    await erwin.create({ ...config, mpSteps: 1 });
    const expected = await erwin.forward(input);
    const controller = new AbortController();
    const { signal } = controller;
    // All pairs are nearer than the radius, so the graph would take minutes.
    const large = { ...randomCloud(300_000, cloudOptions(config), seededRandom(2)), radius: 100 };
    const ended = Promise.allSettled([erwin.forward(large, { signal }), erwin.forward(input, { signal })]);
    setTimeout(() => controller.abort(), 100);
    for (const end of await ended) expect(end).toEqual({ status: "rejected", reason: signal.reason });
    expect(signal.reason.name).toBe("AbortError");
    expect(await erwin.forward(input, { signal: new AbortController().signal })).toEqual(expected);
    await erwin.create(config);
  });
});

describe("arrays that cannot be sent", () => {
  test("because they were given away", async () => {
    const input = structuredClone(cloud);
    await erwin.forward(input, { transfer: true });
    for (const transfer of [false, true]) {
      const error = await rejection(erwin.forward(input, { transfer }), InputError);
      expect(error.details.tensor).toBe("nodeFeatures");
    }
    const bytes = await erwin.save();
    await erwin.load(bytes, { transfer: true });
    await rejection(erwin.load(bytes), InputError);
    await rejection(erwin.load(bytes.buffer), InputError);
  });

  test("because they are tensors", async () => {
    using nodeFeatures = Tensor.from(device(), cloud.nodeFeatures, [20, config.cIn]);
    const input = { ...cloud, nodeFeatures: nodeFeatures as unknown as Float32Array };
    expect((await rejection(erwin.forward(input), InputError)).details.tensor).toBe("nodeFeatures");
  });
});

describe("a worker script", () => {
  test("that does not exist", async () => {
    const url = new URL("no-such-script.js", await libraryScript());
    const begin = performance.now();
    const error = await rejection(createErwinWorker({ url }), WorkerError);
    // As soon as the host knows it, not when a silent worker is given up, after a minute.
    expect(performance.now() - begin).toBeLessThan(50_000);
    expect(error.details.url).toBe(url.href);
    expect(error.message).toContain(url.href);
  });

  test("that cannot be reached", async () => {
    // A port that browsers and systems leave unused.
    const url = "http://localhost:9/model.js";
    const { details, message } = await rejection(createErwinWorker({ url }), WorkerError);
    expect(details.url).toBe(url);
    // Deno's reasons end with a full stop.
    expect(message).toMatch(/[^.]\. Check/);
  });

  test("that fails while it starts", async () => {
    const url = scriptUrl('throw new Error("not today");');
    expect((await rejection(createErwinWorker({ url }), WorkerError)).message).toContain("not today");
  });

  test("that is another program", async () => {
    const url = scriptUrl('postMessage("hello");');
    expect((await rejection(createErwinWorker({ url }), WorkerError)).message).toContain("version");
  });

  test("that says nothing", async () => {
    const { setTimeout } = globalThis;
    vi.useFakeTimers({ toFake: ["setInterval"] });
    try {
      const call = rejection(createErwinWorker({ url: scriptUrl("") }), WorkerError);
      // Until it waits.
      while (vi.getTimerCount() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      vi.advanceTimersByTime(60_000);
      expect((await call).message).toContain("60 s");
    } finally {
      vi.useRealTimers();
    }
  });
});

test("a worker without an adapter says so", async () => {
  const before = 'Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null } });';
  const url = await changedScript({ before });
  await rejection(createErwinWorker({ url, backend: "webgpu" }), DeviceError);
});

describe("a worker that has ended", () => {
  test("by terminate() rejects the calls under way and later ones", async () => {
    const { result: erwin, started } = await watchWorkers(() => workerWithModel());
    const call = rejection(erwin.forward(cloud), WorkerError);
    started[0].worker.terminate();
    await call;
    await rejection(erwin.info(), WorkerError);
    erwin.dispose();
  });

  test("because it sent what cannot be received says so, to the calls under way and to later ones", async () => {
    const { result: erwin, started } = await watchWorkers(() => workerWithModel());
    const call = rejection(erwin.forward(cloud), WorkerError);
    started[0].worker.dispatchEvent(new Event("messageerror"));
    expect((await call).message).toContain("it sent what cannot be received");
    await rejection(erwin.info(), WorkerError);
    erwin.dispose();
  });

  test("by close() of its own does, too", async () => {
    const after = 'addEventListener("message", ({ data }) => data.path?.[0] === "forward" && close());';
    const erwin = await workerWithModel({ url: await changedScript({ after }) });
    await rejection(erwin.forward(cloud), WorkerError);
    await rejection(erwin.info(), WorkerError);
    erwin.dispose();
  });
});

test("a worker that crashes rejects the calls under way and later ones", async () => {
  // The error is thrown outside of any call, while one is under way.
  const after = `addEventListener("message", ({ data }) => {
    if (data.path?.[0] === "forward") setTimeout(() => { throw new Error("out of luck"); });
  });`;
  const erwin = await workerWithModel({ url: await changedScript({ after }) });
  const calls = [erwin.forward(cloud), erwin.forward(cloud), erwin.save()];
  const results = await Promise.allSettled(calls);
  expect(results.at(-1)?.status).toBe("rejected");
  const error = await rejection(erwin.info(), WorkerError);
  expect(error.message).toContain("out of luck");
  for (const result of results) if (result.status === "rejected") expect(result.reason).toBe(error);
  erwin.dispose();
});

// In browsers, a software adapter takes seconds for each device; faults/worker.host.test.ts loses one there.
if ("Deno" in globalThis)
  test("after a lost device that is not to be replaced a model can be loaded again", async () => {
    const before = `
    const { requestDevice } = GPUAdapter.prototype;
    let device;
    GPUAdapter.prototype.requestDevice = async function (options) {
      return (device = await requestDevice.call(this, options));
    };
    addEventListener("message", ({ data }) => {
      if (data === "lose the device") device.destroy();
    });`;
    const url = await changedScript({ before });
    const { result: losing, started } = await watchWorkers(() =>
      workerWithModel({ url, backend: "webgpu", recover: false }, noBlock),
    );
    started[0].worker.postMessage("lose the device");
    await rejection(losing.forward(cloud), DeviceLostError);
    await losing.create(noBlock);
    using model = await ErwinTransformer.create(noBlock, { device: device() });
    expect((await losing.forward(cloud)).data).toEqual((await forwardToHost(model, cloud)).data);
    losing.dispose();
  });

describe("dispose", () => {
  test("rejects the calls under way and later ones, and ends the worker", async () => {
    const { result: erwin, started } = await watchWorkers(() => workerWithModel());
    const terminate = vi.spyOn(started[0].worker, "terminate");
    const calls = [erwin.forward(cloud), erwin.save(), erwin.info()];
    const rejections = calls.map((call) => rejection(call, DisposedError));
    erwin.dispose();
    erwin.dispose();
    await Promise.all(rejections);
    await rejection(erwin.forward(cloud), DisposedError);
    await vi.waitFor(() => expect(terminate).toHaveBeenCalledOnce(), { timeout: 20_000 });
  });
});
