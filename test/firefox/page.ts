// Runs in the page: tells what the browser allows, computes, and encodes the results for the way out.

import { createErwinWorker, disposeThreads, requestDevice } from "erwin";
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

/** Computes in a worker, and tells what device the worker found. */
export async function visitWorker(): Promise<{ isolated: boolean; description: string; shape: number[] }> {
  using erwin = await createErwinWorker({ backend: "cpu" });
  await erwin.create({
    cIn: 3,
    cHidden: [8],
    ballSizes: [8],
    encNumHeads: [2],
    encDepths: [1],
    decNumHeads: [],
    decDepths: [],
    strides: [],
    mpSteps: 0,
  });
  const values = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i));
  const { shape } = await erwin.forward({ nodeFeatures: values, nodePositions: values });
  return { isolated: crossOriginIsolated, description: (await erwin.info()).device.description, shape };
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
