// Chooses the device.

import { ConfigError, DeviceError } from "../errors.ts";
import type { BackendName, Device } from "./device.ts";
import { requestWebGPUDevice } from "./webgpu/adapter.ts";

export type { BackendName, Device, DeviceInfo, DeviceMemory } from "./device.ts";

export interface DeviceOptions {
  /** "auto" (default): WebGPU where an adapter works. */
  backend?: "auto" | BackendName;
  /** Worker threads for trees and graphs. Default: one a processor core, at most 8. */
  threads?: number;
  /**
   * Largest piece of memory one kernel may see at a time, in bytes. Default: what the adapter offers. Larger tensors are
   * worked on in pieces; a smaller limit shows how a program does on a smaller device.
   */
  maxBindingBytes?: number;
}

/**
 * A device to run models on, after it has computed a known answer.
 * @throws DeviceError when there is none; its message says what was tried and what to do.
 */
export async function requestDevice({
  backend = "auto",
  threads,
  maxBindingBytes,
}: DeviceOptions = {}): Promise<Device> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ConfigError(`threads must be a whole number of at least 1, not ${threads}`, { field: "threads" });
  }
  if (maxBindingBytes !== undefined && !(maxBindingBytes >= 2 ** 16)) {
    throw new ConfigError(`maxBindingBytes must be at least 65536, not ${maxBindingBytes}`, { field: "maxBindingBytes" });
  }
  if (backend === "cpu") {
    throw new DeviceError(
      "this version has no CPU backend: use a WebGPU adapter (a software one such as Mesa's lavapipe serves)",
      { backend },
    );
  }
  if (backend !== "auto" && backend !== "webgpu") {
    throw new ConfigError(`backend must be "auto", "webgpu" or "cpu", not ${JSON.stringify(backend)}`, {
      field: "backend",
    });
  }
  return requestWebGPUDevice({ threads, maxBindingBytes });
}
