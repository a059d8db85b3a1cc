// Runs in a page in Firefox with WebGPU: a forward pass and training steps there, in a worker and on the CPU backend.

import { AdamW, createErwinWorker, type Device, disposeThreads, ErwinTransformer, mse, requestDevice } from "erwin";
import { twoLevels as config } from "../support/configs.ts";

export interface GpuVisit {
  /** What `requestDevice` chooses by itself, and whether Firefox says that the adapter computes on the processor. */
  automatic: string;
  software: boolean;
  cpu: Run;
  webgpu: Run;
  /** Of a forward pass in a worker. */
  worker: number[];
  /** Of one on a GPUDevice of the page's, as the page finds it in its own buffer, and the errors that the page then hears of. */
  shared: number[];
  heard: string[];
}

export interface Run {
  output: number[];
  losses: number[];
}

const STEPS = 3;
const [seed, threads] = [1, 1];
const positions = Float32Array.from({ length: 3 * 300 }, (_, i) => Math.sin(12.9898 * i));
const cloud = { nodeFeatures: positions, nodePositions: positions, radius: 0.3 };

export async function visitGpu(): Promise<GpuVisit> {
  const automatic = await requestDevice({ threads });
  const runs = { cpu: await run("cpu"), webgpu: await run("webgpu") };
  const erwin = await createErwinWorker({ backend: "webgpu", threads });
  await erwin.create(config, { seed });
  const { data } = await erwin.forward(cloud);
  erwin.dispose();
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  for (const device of [automatic, runs.cpu.device, runs.webgpu.device]) device.dispose();
  await disposeThreads();
  const told = ({ output, losses }: Run) => ({ output, losses });
  return {
    automatic: automatic.backend,
    software: adapter!.info.isFallbackAdapter,
    cpu: told(runs.cpu),
    webgpu: told(runs.webgpu),
    worker: [...data],
    ...(await runOn(await adapter!.requestDevice())),
  };
}

async function runOn(gpuDevice: GPUDevice): Promise<Pick<GpuVisit, "shared" | "heard">> {
  const heard: string[] = [];
  gpuDevice.addEventListener("uncapturederror", ({ error }) => heard.push(error.message));
  using device = await requestDevice({ gpuDevice, threads });
  using model = await ErwinTransformer.create(config, { device, seed });
  using output = await model.forward(cloud);
  const [MAP_READ, COPY_DST] = [1, 8];
  const buffer = gpuDevice.createBuffer({ size: 4 * output.size, usage: COPY_DST | MAP_READ });
  await output.copyTo(buffer);
  await buffer.mapAsync(MAP_READ);
  return { shared: [...new Float32Array(buffer.getMappedRange())], heard };
}

async function run(backend: "cpu" | "webgpu"): Promise<Run & { device: Device }> {
  const device = await requestDevice({ backend, threads });
  using model = await ErwinTransformer.create(config, { device, seed });
  using output = await model.forward(cloud);
  using optimizer = new AdamW(model.parameters(), { lr: 1e-2 });
  const data = await output.data();
  model.train();
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    using trained = await model.forward(cloud);
    using loss = mse(trained, new Float32Array(data.length));
    await loss.backward();
    await optimizer.step({ loss, maxNorm: 1 });
    optimizer.zeroGrad();
    losses.push((await loss.data())[0]!);
  }
  return { device, output: [...data], losses };
}
