// Runs in the page: tells what the browser allows, computes, and encodes the results for the way out.

import { createErwinWorker, disposeThreads, ErwinTransformer, noGrad, requestDevice } from "erwin";
import { oneBlock } from "../support/configs.ts";
import { compute } from "./work.ts";

export interface Visit {
  isolated: boolean;
  /** Whether the browser can share memory. */
  shares: boolean;
  /** Whether the browser has a WebGPU adapter. */
  adapter: boolean;
  /** What `requestDevice` chooses by itself. */
  automatic: string;
  /** The CPU device's threads, as it describes itself. */
  description: string;
  /** The results, a safetensors file. */
  base64: string;
}

export async function visit(threads: number): Promise<Visit> {
  const automatic = await requestDevice({ backend: "auto", threads });
  const device = automatic.backend === "cpu" ? automatic : await requestDevice({ backend: "cpu", threads });
  const bytes = await compute(device, threads);
  const result = {
    isolated: crossOriginIsolated,
    shares: "SharedArrayBuffer" in globalThis,
    adapter: Boolean(await navigator.gpu?.requestAdapter()),
    automatic: automatic.backend,
    description: device.info.description,
    base64: await toBase64(bytes),
  };
  for (const each of new Set([automatic, device])) each.dispose();
  await disposeThreads();
  return result;
}

export interface WorkerVisit {
  isolated: boolean;
  /** Of the worker's device, as it describes itself. */
  description: string;
  /** Whether the worker's output is the page's own, bit for bit. */
  same: boolean;
  /** Workers that the page started meanwhile for the library, and how many of them it has ended since. */
  started: number;
  ended: number;
}

const config = { ...oneBlock, mpSteps: 1 };

/** Computes in a worker and here; `beside` also starts a worker of the page's own while the library starts its. */
export async function visitWorker(beside: boolean): Promise<WorkerVisit> {
  const values = Float32Array.from({ length: 3 * 6000 }, (_, i) => Math.sin(i));
  const input = { nodeFeatures: values, nodePositions: values, radius: 0.1 };
  const threads = 2;

  const workers = watchWorkers();
  const own = beside ? greetingOfOwnWorker() : undefined;
  const erwin = await createErwinWorker({ backend: "cpu", threads });
  await erwin.create(config, { seed: 1 });
  const output = await erwin.forward(input);
  const { description } = (await erwin.info()).device;
  await own;
  const started = workers.started;
  erwin.dispose();
  while (workers.ended < started) await new Promise((resolve) => setTimeout(resolve, 5));
  workers.stop();

  using device = await requestDevice({ backend: "cpu", threads });
  using model = await ErwinTransformer.create(config, { device, seed: 1 });
  const expected = (await (await noGrad(() => model.forward(input))).data()) as Float32Array;
  const same = output.data.length === expected.length && output.data.every((value, i) => Object.is(value, expected[i]));
  await disposeThreads();
  return { isolated: crossOriginIsolated, description, same, started, ended: workers.ended };
}

/** Counts the module workers that this page starts, the library's, and ends. */
function watchWorkers() {
  const original = globalThis.Worker;
  const counts = {
    started: 0,
    ended: 0,
    stop() {
      globalThis.Worker = original;
    },
  };
  globalThis.Worker = class extends original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      if (options?.type === "module") counts.started++;
    }
    override terminate(): void {
      super.terminate();
      counts.ended++;
    }
  };
  return counts;
}

async function greetingOfOwnWorker(): Promise<void> {
  const url = URL.createObjectURL(new Blob(["postMessage('hello')"], { type: "text/javascript" }));
  const worker = new Worker(url);
  await new Promise<unknown>((resolve) => worker.addEventListener("message", resolve));
}

/** Through a data: URL, since only newer browsers encode by themselves. */
function toBase64(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).split(",")[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
