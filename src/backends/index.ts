// Chooses the device: a GPU where one works, else the processor.

import { checkOptions, describe } from "../arguments.ts";
import { ConfigError, DeviceError, ErwinError } from "../errors.ts";
import { requestCpuDevice } from "./cpu/request.ts";
import type { BackendName, Device, Precision } from "./device.ts";
import { requestWebGPUDevice } from "./webgpu/adapter.ts";

export type {
  BackendName,
  Device,
  DeviceInfo,
  DeviceMemory,
  KernelTime,
  MatrixUnits,
  Precision,
  ProductTuning,
  Profile,
  Tile,
} from "./device.ts";

/** Which device to request, and its limits. */
export interface DeviceOptions {
  /**
   * "auto" (default): WebGPU if there is a working GPU, otherwise the CPU backend, which is many times faster than a software
   * adapter. "webgpu" also accepts a software adapter.
   */
  backend?: "auto" | BackendName;
  /** Worker threads for trees and graphs, and for the CPU backend. Default: one for each processor core, at most 8. */
  threads?: number;
  /**
   * The maximum size in bytes of a binding, the part of a tensor that a kernel sees at a time. Default: the adapter's limit. Work
   * on larger tensors is split; a smaller limit shows how a program behaves on a smaller device.
   */
  maxBindingBytes?: number;
  /** Default "float32". "mixed" needs an adapter with the feature shader-f16; the CPU backend does not offer it. */
  precision?: Precision;
}

/**
 * Returns a device to run models on, after it has computed a known answer.
 * @throws DeviceError if there is none; its message says what was tried and what to do
 */
export async function requestDevice(given: DeviceOptions = {}): Promise<Device> {
  checkOptions("requestDevice", given, { backend: true, threads: true, maxBindingBytes: true, precision: true });
  const { backend = "auto", threads, maxBindingBytes, precision = "float32" } = given;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ConfigError(`threads must be a whole number of at least 1, not ${describe(threads)}`, {
      field: "threads",
    });
  }
  if (maxBindingBytes !== undefined && !(maxBindingBytes >= 2 ** 16)) {
    throw new ConfigError(`maxBindingBytes must be at least 65536, not ${describe(maxBindingBytes)}`, {
      field: "maxBindingBytes",
    });
  }
  if (backend !== "auto" && backend !== "webgpu" && backend !== "cpu") {
    throw new ConfigError(`backend must be "auto", "webgpu" or "cpu", not ${describe(backend)}`, {
      field: "backend",
    });
  }
  if (precision !== "float32" && precision !== "mixed") {
    throw new ConfigError(`precision must be "float32" or "mixed", not ${describe(precision)}`, {
      field: "precision",
    });
  }
  const options = { threads, maxBindingBytes, precision };
  if (backend === "cpu") return requestCpuDevice(options);
  if (backend === "webgpu") return requestWebGPUDevice(options);
  const refusals: string[] = [];
  for (const request of [
    () => requestWebGPUDevice({ ...options, acceptSoftware: false }),
    () => requestCpuDevice(options),
    () => requestWebGPUDevice(options),
  ]) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ErwinError)) throw error;
      refusals.push(error.message);
    }
  }
  throw new DeviceError(`there is no device to compute on: ${refusals.join("; ")}`, { backend, refusals });
}
