// Workers of this host: one that never begins is an error, not a hang, and a worker in Firefox has its page start its threads.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { workerScript } from "../../src/assets.ts";
import { root } from "../../src/build/steps.mjs";
import { WorkerError } from "../../src/errors.ts";
import { lifeName } from "../../src/host/life.ts";
import { hasWorkers, startWorker } from "../../src/host/worker.ts";
import { givenScript } from "../../src/worker/script.ts";

/** Of what happens at once, except on a busy machine. */
const patiently = { timeout: 60_000 };

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a worker that sends nothing for 60 s is a WorkerError that names it", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-hosts-"));
  const script = join(folder, "silent.mjs");
  writeFileSync(script, "setInterval(() => {}, 1000);");
  const url = pathToFileURL(script);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const errors: WorkerError[] = [];
  const listener = { onMessage: () => {}, onError: (error: WorkerError) => errors.push(error) };
  const worker = startWorker(givenScript(url), listener);
  startWorker(givenScript(url), listener).stop();
  vi.advanceTimersByTime(59_000);
  expect(errors).toEqual([]);
  vi.advanceTimersByTime(1000);
  worker.stop();
  rmSync(folder, { recursive: true });
  // Only one remains: the other was stopped before.
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(WorkerError);
  expect(errors[0].message).toContain("60 s");
  expect(errors[0].details.url).toBe(url.href);
});

test("a window of Electron starts web workers, although it has Node's modules", () => {
  vi.stubGlobal("process", Object.assign(Object.create(process), { type: "renderer" }));
  const thread = Object.assign(new EventTarget(), { postMessage: vi.fn(), terminate: vi.fn() });
  const script = { ...givenScript(pathToFileURL("worker.js")), create: () => thread as unknown as Worker };
  const worker = startWorker(script, { onMessage: () => {}, onError: () => {} });
  worker.post("begin");
  expect(thread.postMessage.mock.lastCall?.[0]).toBe("begin");
  worker.stop();
  expect(thread.terminate).toHaveBeenCalled();
});

test.each([
  ["module" as const, 'import "https://cdn.example/assets/pool-worker-1a2b.js"'],
  [undefined, 'importScripts("https://cdn.example/assets/pool-worker-1a2b.js")'],
])("a worker whose files a bundler names and a CDN has is imported from there: type %s", async (type, source) => {
  const started: unknown[][] = [];
  class Started extends EventTarget {
    constructor(...given: unknown[]) {
      super();
      started.push(given);
    }
    postMessage() {}
    terminate() {}
  }
  vi.stubGlobal("Worker", Started);
  vi.stubGlobal("origin", "https://example.org");
  const createUrl = vi.spyOn(URL, "createObjectURL");
  // The library guesses the name that the file has in the package.
  const url = new URL("https://cdn.example/assets/pool-worker.js");
  const create = () => new Worker(new URL("https://cdn.example/assets/pool-worker-1a2b.js"), { type });
  startWorker({ name: "pool", url, create }, { onMessage: () => {}, onError: () => {} }).stop();
  expect(started).toEqual([[expect.stringMatching(/^blob:/), { type }]]);
  const [blob] = createUrl.mock.lastCall!;
  expect(await (blob as Blob).text()).toBe(source);
  createUrl.mockRestore();
});

test("a worker whose file a bundler names has that address, which errors name; where none is given, it is beside the modules", () => {
  const create = () => new Worker(new URL("https://cdn.example/assets/pool-worker-1a2b.js"));
  vi.stubGlobal("Worker", undefined);
  const beside = workerScript("pool", create).url.href;
  expect(beside).toMatch(/^file:.*pool-worker\.js$/);
  vi.stubGlobal("Worker", class {});
  expect(workerScript("pool", create).url.href).toBe("https://cdn.example/assets/pool-worker-1a2b.js");
  expect(workerScript("pool", () => new Worker("blob:https://example.org/1a2b")).url.href).toBe(beside);
});

test("a simulated page whose navigator has null for locks, as happy-dom's, has none to watch workers by", () => {
  vi.stubGlobal("navigator", { locks: null });
  expect(lifeName()).toBeUndefined();
});

describe("a worker in Firefox", () => {
  const url = new URL("https://example.org/worker.js");

  beforeEach(() => {
    vi.resetModules();
    vi.stubGlobal("Worker", class {});
    vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0" });
  });

  test("has no workers by itself, a page has", () => {
    expect(hasWorkers(givenScript(url))).toBe(false);
    vi.stubGlobal("document", {});
    expect(hasWorkers(givenScript(url))).toBe(true);
  });

  test("has its page start them, hears of their failure, and has them ended", async () => {
    const { borrowThreads, lendThreads } = await import("../../src/host/page-threads.ts");
    const hosts = await import("../../src/host/worker.ts");
    const threads: Thread[] = [];
    const script = { ...givenScript(url), create: () => threads[threads.push(new Thread()) - 1] as unknown as Worker };
    const lent = lendThreads([script]);
    borrowThreads(lent.port);
    expect(hosts.hasWorkers(script)).toBe(true);

    const heard: unknown[] = [];
    const listener = {
      onMessage: (message: unknown) => heard.push(message),
      onError: ({ message }: WorkerError) => heard.push(message),
    };
    const [first, second] = [hosts.startWorker(script, listener), hosts.startWorker(script, listener)];
    first.post({ type: "start" });
    await vi.waitFor(() => expect(heard).toEqual([{ answer: { type: "start" } }]), patiently);
    threads[1].dispatchEvent(Object.assign(new Event("error"), { message: "not today" }));
    await vi.waitFor(() => expect(heard[1]).toMatch(/example\.org.*not today/), patiently);
    first.stop();
    await vi.waitFor(() => expect(threads.map(({ ended }) => ended)).toEqual([true, false]), patiently);
    lent.stop();
    expect(threads[1].ended).toBe(true);
    second.stop();
  });
});

/** A thread of a page, which answers its owner. */
class Thread extends EventTarget {
  ended = false;
  #port: MessagePort | undefined;

  postMessage(_message: unknown, [port]: MessagePort[]): void {
    this.#port = port;
    port.onmessage = ({ data }) => port.postMessage({ answer: data });
  }

  terminate(): void {
    this.ended = true;
    this.#port!.close();
  }
}

test("names the option that allows threads where Node's permissions forbid them", async () => {
  const permission = process.allowedNodeEnvironmentFlags.has("--permission")
    ? "--permission"
    : "--experimental-permission";
  const program = `
    import { createErwinWorker, requestDevice } from ${JSON.stringify(pathToFileURL(join(root, "dist", "erwin.js")).href)};
    for (const start of [requestDevice, createErwinWorker]) {
      await start({ backend: "cpu" }).catch(({ name, message }) => console.log(name, message));
    }
  `;
  const words = [permission, "--allow-fs-read=*", "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(stdout).toMatch(/^WorkerError The worker script .*kernels-worker\.js .* --allow-worker/);
  expect(stdout).toMatch(/^WorkerError The worker script .*model-worker\.js .* --allow-worker/m);
});
