// The device and models of the model-level tests: one device for the files of a runner, models made from a config and a state.

import { type BackendName, type Device, ErwinTransformer, requestDevice, saveSafetensors } from "erwin";
import { afterAll, beforeAll, describe } from "vitest";

/**
 * For tests of what goes on around the kernels, such as workers and the fit loop: WebGPU in Deno, but the CPU backend in
 * browsers, where a software adapter takes seconds to compile each kernel.
 */
export const quickBackend: BackendName = "Deno" in globalThis ? "webgpu" : "cpu";

/** Those in use, by backend; kept from file to file. */
const devices = new Map<BackendName, Device>();

/**
 * The device of a file's tests. What a software adapter takes long for is compiling, so that a runner's files share one
 * device of each backend, and its compiled kernels. A file that looks at `memory.peak` wants its own. Call at the top of
 * a file.
 */
export function useDevice(backend: BackendName = "webgpu", { own = false } = {}): () => Device {
  let device: Device | undefined;
  beforeAll(async () => {
    device = (own ? undefined : devices.get(backend)) ?? (await requestDevice({ backend }));
    // No buffers left by other files, whose reuse could hide that more and more are created.
    device.trim();
    if (!own) devices.set(backend, device);
  });
  afterAll(async () => {
    if (own) return device?.dispose();
    // A device that tests broke fails their file, and not the next.
    devices.delete(backend);
    await device?.finished();
    if (device) devices.set(backend, device);
  });
  return () => {
    if (!device) throw new Error("the device is there only while tests run");
    return device;
  };
}

const backends: readonly BackendName[] = ["webgpu", "cpu"];

/** Declares the same tests for the device of each backend: what is computed does not depend on where. */
export function onEachDevice(declare: (device: () => Device, backend: BackendName) => void): void {
  describe.each(backends)("on %s", (backend) => declare(useDevice(backend), backend));
}

type SavedTensors = Parameters<typeof saveSafetensors>[0];

/** The bytes of a checkpoint as training writes them: the tensors, and the config in the metadata. */
export function checkpointBytes(config: object, state: SavedTensors): Uint8Array<ArrayBuffer> {
  return saveSafetensors(state, { config: JSON.stringify(config) });
}

/** A model in eval mode that has these tensors. */
export async function modelFrom(config: object, state: SavedTensors, device: Device): Promise<ErwinTransformer> {
  const model = await ErwinTransformer.load(checkpointBytes(config, state), { device });
  model.eval();
  return model;
}

type ModelInput = Parameters<ErwinTransformer["forward"]>[0];

/** What a forward pass gave, on the host; the device memory is given back. */
export interface HostOutput {
  data: Float32Array;
  shape: readonly number[];
  batchIdx: Int32Array | undefined;
}

export async function forwardToHost(model: ErwinTransformer, input: ModelInput): Promise<HostOutput> {
  const out = await model.forward(input);
  const data = await out.data();
  const { shape, batchIdx } = out;
  out.dispose();
  return { data, shape, batchIdx };
}
