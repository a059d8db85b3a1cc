// What the pages' controls do where visitors are quick, or where something else is dragged, without a browser.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Run } from "../../src/pages/benchmark/run.ts";
import { Controller } from "../../src/pages/explorer/controller.ts";
import { defaults } from "../../src/pages/explorer/settings.ts";
import type { ExplorerStage } from "../../src/pages/explorer/sides.ts";
import { acceptDrops } from "../../src/pages/shared/drop.ts";
import { SiteFunctions } from "../../src/pages/shared/site-worker.ts";
import { RunStore } from "../../src/pages/train/run-store.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("the address follows a held key less often than Safari's engine allows: 100 times in 10 s", () => {
  const replaceState = vi.fn();
  vi.stubGlobal("history", { state: null, replaceState });
  vi.stubGlobal("location", { pathname: "/explorer.html" });
  const place = { turn: defaults.turn, tilt: defaults.tilt, distance: defaults.distance };
  const stage = { camera: { place } } as unknown as ExplorerStage;
  const listeners = { onShown() {}, onStatus() {}, onProblem() {} };
  const controller = new Controller(stage, { state: "idle" }, defaults, listeners);
  for (let key = 1; key <= 300; key++) {
    place.turn = key;
    controller.writeAddress();
    vi.advanceTimersByTime(33);
  }
  vi.advanceTimersByTime(1000);
  expect(replaceState.mock.calls.length).toBeLessThan(60);
  expect(replaceState.mock.calls[0]![2]).toBe("/explorer.html?turn=1");
  expect(replaceState.mock.lastCall![2]).toBe("/explorer.html?turn=300");
  expect(controller.address).toBe("/explorer.html?turn=300");
});

test("what is changed while another cloud is opened stays, and the rest is as for any new cloud", async () => {
  vi.stubGlobal("history", { state: null, replaceState() {} });
  vi.stubGlobal("location", { pathname: "/explorer.html" });
  const cloud = { points: 0, dimensionality: 3, fields: [], order: new Int32Array() };
  let arrive = (_: unknown) => {};
  const answers: Record<string, () => unknown> = {
    open: () => new Promise((resolve) => (arrive = resolve)),
    build: () => ({ levels: [{}, {}, {}], splits: 8 }),
    draw: () => ({}),
  };
  vi.spyOn(SiteFunctions.prototype, "call").mockImplementation(async (name) => answers[name]!());
  const stage = new Proxy(
    { camera: { place: defaults } },
    { get: (fake, name) => Reflect.get(fake, name) ?? (() => {}) },
  );
  const onProblem = vi.fn();
  const listeners = { onShown() {}, onStatus() {}, onProblem };
  const controller = new Controller(stage as unknown as ExplorerStage, { state: "idle" }, defaults, listeners);
  const open = async (change: () => void) => {
    const opened = controller.open("cars", { level: 0, apart: false, colour: "balls" });
    await vi.advanceTimersByTimeAsync(0);
    expect(controller.isOpening).toBe(true);
    change();
    arrive(cloud);
    await opened;
    expect(controller.isOpening).toBe(false);
    expect(onProblem.mock.calls.flat()).not.toContainEqual(expect.any(String));
  };
  await open(() => void controller.change({ ballSize: 64 }));
  await controller.change({ level: 2, colour: "plain" });
  await open(() => void controller.change({ apart: true }));
  expect(controller.settings).toEqual({ ...defaults, sample: "cars", ballSize: 64, apart: true });
});

test("a page has one connection to its runs, another after the browser has closed it, and none that it waits for for ever", async () => {
  const databases: { onclose?: () => void }[] = [];
  let answers = true;
  const open = vi.fn(() => {
    const request = { result: {}, onsuccess: () => {} };
    databases.push(request.result);
    if (answers) queueMicrotask(() => request.onsuccess());
    return request;
  });
  vi.stubGlobal("indexedDB", { open });
  const [store, same] = await Promise.all([RunStore.open(), RunStore.open()]);
  expect(same).toBe(store);
  expect(open).toHaveBeenCalledOnce();
  databases[0]!.onclose!();
  expect(await RunStore.open()).not.toBe(store);
  databases[1]!.onclose!();
  answers = false;
  const failed = expect(RunStore.open()).rejects.toThrow("its storage, where runs are kept (no answer for 10 s)");
  await vi.advanceTimersByTimeAsync(10_000);
  await failed;
  answers = true;
  expect(await RunStore.open()).toBeInstanceOf(RunStore);
});

test("files that are dropped are taken, and text that is dragged is left to the browser", () => {
  const listeners = new Map<string, (event: unknown) => void>();
  vi.stubGlobal("addEventListener", (type: string, listener: (event: unknown) => void) =>
    listeners.set(type, listener),
  );
  const [take, toggle] = [vi.fn(), vi.fn()];
  acceptDrops(take, { classList: { toggle } } as unknown as HTMLElement);
  const send = (type: string, types: string[]) => {
    const event = { preventDefault: vi.fn(), dataTransfer: { types } };
    listeners.get(type)!(event);
    return event.preventDefault.mock.calls.length;
  };
  expect([send("dragover", ["text/plain"]), send("drop", ["text/plain"])]).toEqual([0, 0]);
  expect(toggle).not.toHaveBeenCalled();
  expect([send("dragover", ["Files"]), send("drop", ["Files"])]).toEqual([1, 1]);
  expect(take).toHaveBeenCalledOnce();
});

test("a benchmark that waits for its files ends when it is cancelled", async () => {
  vi.stubGlobal("document", { addEventListener() {}, removeEventListener() {} });
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  const run = new Run(true, { onProgress() {}, onPartial() {} });
  run.cancel();
  const late = new Promise((resolve) => setTimeout(resolve, 1000, "late"));
  vi.advanceTimersByTimeAsync(1000);
  expect(await Promise.race([run.result, late])).toBeUndefined();
});
