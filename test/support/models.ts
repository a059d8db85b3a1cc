// The device and models of the model-level tests: one device for the files of a runner, models made from a config and a state.

import { type BackendName, type Device, ErwinTransformer, requestDevice, saveSafetensors } from "erwin";
import { afterAll, beforeAll, describe } from "vitest";

/**
 * The backend for tests of what surrounds the kernels, such as workers and the training loop: WebGPU in Deno, but the CPU backend
 * in browsers, where a software adapter takes seconds to compile each kernel.
 */
export const quickBackend: BackendName = "Deno" in globalThis ? "webgpu" : "cpu";

/** The backends for such tests where both have to work: a browser's runner does without WebGPU. */
export const quickBackends: readonly BackendName[] = "Deno" in globalThis ? ["webgpu", "cpu"] : ["cpu"];

/** The main model of small models of fields, as a folder's config gives it. */
export const smallOfFields = {
  c_in: 8,
  c_hidden: 8,
  ball_sizes: [8, 8],
  strides: [2],
  enc_depths: [1, 1],
  enc_num_heads: [2, 2],
  dec_depths: [1],
  dec_num_heads: [2],
};

/** The devices in use, by backend; files share them. */
const devices = new Map<BackendName, Device>();

/**
 * Returns the device of a file's tests. Software adapters take long to compile, so a runner's files share one device of each
 * backend and its compiled kernels. A file that tests `memory.peak` needs its own. Must be called at the top of a file.
 */
export function useDevice(backend: BackendName = "webgpu", { own = false } = {}): () => Device {
  let device: Device | undefined;
  beforeAll(async () => {
    device = (own ? undefined : devices.get(backend)) ?? (await requestDevice({ backend }));
    // The reuse of buffers that other files left could hide that ever more are created.
    device.trim();
    if (!own) devices.set(backend, device);
  });
  afterAll(async () => {
    if (own) return device?.dispose();
    // If tests break the device, their own file fails and not the next one.
    devices.delete(backend);
    await device?.finished();
    if (device) devices.set(backend, device);
  });
  return () => {
    if (!device) throw new Error("the device is there only while tests run");
    return device;
  };
}

const bothBackends: readonly BackendName[] = ["webgpu", "cpu"];

/**
 * The backends for comparisons with PyTorch's runs or a reference: in browsers only WebGPU, whose adapter differs from Deno's.
 * The CPU backend's modules are the same in both, and so is the engine that runs them.
 */
export const comparedBackends: readonly BackendName[] = "Deno" in globalThis ? bothBackends : ["webgpu"];

/** Declares the same tests for the device of each backend. */
export function onEachDevice(
  declare: (device: () => Device, backend: BackendName) => void,
  backends: readonly BackendName[] = bothBackends,
): void {
  describe.each(backends)("on %s", (backend) => declare(useDevice(backend), backend));
}

type SavedTensors = Parameters<typeof saveSafetensors>[0];

/** The config of a model that has every part, and is small. */
export const small = {
  cIn: 4,
  cHidden: [8, 8],
  ballSizes: [8, 4],
  encNumHeads: [2, 2],
  encDepths: [2, 1],
  decNumHeads: [2],
  decDepths: [1],
  strides: [2],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
};

/** Makes a checkpoint: the tensors, and the config in the metadata. */
export function checkpointBytes(config: object, state: SavedTensors): Uint8Array<ArrayBuffer> {
  return saveSafetensors(state, { config: JSON.stringify(config) });
}

/** Makes a model in eval mode with these tensors. */
export async function modelFrom(config: object, state: SavedTensors, device: Device): Promise<ErwinTransformer> {
  const model = await ErwinTransformer.load(checkpointBytes(config, state), { device });
  model.eval();
  return model;
}

type ModelInput = Parameters<ErwinTransformer["forward"]>[0];

/** The result of a forward pass on the host. */
export interface HostOutput {
  data: Float32Array;
  shape: readonly number[];
  batchIdx: Int32Array | undefined;
}

/** Applies the model, reads the result back, and releases its device memory. */
export async function forwardToHost(model: ErwinTransformer, input: ModelInput): Promise<HostOutput> {
  const out = await model.forward(input);
  const data = await out.data();
  const { shape, batchIdx } = out;
  out.dispose();
  return { data, shape, batchIdx };
}
