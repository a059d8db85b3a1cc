// The device and models of the model-level tests: one device a test file, models made from a config and a state.

import { type BackendName, type Device, ErwinTransformer, requestDevice, saveSafetensors } from "erwin";
import { afterAll, beforeAll } from "vitest";

/**
 * For tests of what goes on around the kernels, such as workers and the fit loop: WebGPU in Deno, but the CPU backend in
 * browsers, where a software adapter takes seconds to compile each kernel.
 */
export const quickBackend: BackendName = "Deno" in globalThis ? "webgpu" : "cpu";

/** Requests a device before the file's tests and gives it back after them. Call at the top of a file. */
export function useDevice(backend: BackendName = "webgpu"): () => Device {
  let device: Device | undefined;
  beforeAll(async () => {
    device = await requestDevice({ backend });
  });
  afterAll(() => device?.dispose());
  return () => {
    if (!device) throw new Error("the device is there only while tests run");
    return device;
  };
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
