// Requests a device: the requested backend, or the fastest one.

import { type AbortOptions, checkAbortable, disposedIfAborted } from "../abort.ts";
import { describe } from "../arguments/kinds.ts";
import { expectOption } from "../arguments/options.ts";
import { ConfigError, DeviceError, ErwinError } from "../errors.ts";
import { expectThreads } from "../host/threads.ts";
import { requestCpuDevice } from "./cpu/request.ts";
import type { BackendName, Device, GradientPrecision, PageDevice, Precision } from "./device.ts";
import { requestWebGPUDevice } from "./webgpu/adapter.ts";

/** Which device to request, and its limits. */
export interface DeviceOptions extends AbortOptions {
  /**
   * "auto" (default): WebGPU if there is a working GPU, otherwise the CPU backend, which is many times faster than a software
   * adapter. "webgpu" also accepts a software adapter.
   */
  backend?: "auto" | BackendName;
  /**
   * Worker threads for trees and graphs, and for the CPU backend. Default: one for each processor core, at most 8. More than
   * `limits.threads`, 128 by default, are refused.
   */
  threads?: number;
  /**
   * The maximum size in bytes of a binding, the part of a tensor that a kernel sees at a time. Default: the adapter's limit. Work
   * on larger tensors is split; a smaller limit shows how a program behaves on a smaller device.
   */
  maxBindingBytes?: number;
  /**
   * The max device memory in bytes, by which it is planned how batches are computed. Default: what WebAssembly can hold, on the CPU
   * backend; on WebGPU, which does not tell its memory, as much as the device grants. On the CPU backend an upload needs memory that
   * no running work uses, so a batch of several clouds close to the limit may be refused instead of being computed in parts.
   */
  maxMemoryBytes?: number;
  /** Default "float32". "mixed" needs an adapter with the feature shader-f16; the CPU backend does not offer it. */
  precision?: Precision;
  /** Default "float32". "half" is for training in mixed precision with a loss scale. */
  gradientPrecision?: GradientPrecision;
  /**
   * A GPUDevice that the page has already, such as its renderer's, to compute on: tensors can then be copied to and from the page's
   * buffers (`Tensor.copyTo`, `Tensor.copyFrom`). It needs WebGPU's default limits, also on OpenGL ES, and is faster with the features
   * "subgroups" and "timestamp-query". It still belongs to the page: `dispose()` frees the engine's memory on it, no more. Work of both
   * runs in turn. Default: a device of its own.
   */
  gpuDevice?: PageDevice;
}

/** The names of the options. */
export const deviceOptionNames: Readonly<Record<keyof DeviceOptions, true>> = {
  backend: true,
  threads: true,
  maxBindingBytes: true,
  maxMemoryBytes: true,
  precision: true,
  gradientPrecision: true,
  gpuDevice: true,
  signal: true,
};

/**
 * Returns a device to run models on, after it has computed a known answer.
 * @throws ConfigError naming an invalid option, or if gradients are to be in half precision without mixed precision; DeviceError if
 *   there is none, with a message that says what was tried and what to do; DeviceLostError if it was lost while it was checked; the
 *   signal's reason as soon as it is aborted
 */
export async function requestDevice(given: DeviceOptions = {}): Promise<Device> {
  checkAbortable("requestDevice", given, deviceOptionNames);
  const { backend = "auto", threads, maxBindingBytes, maxMemoryBytes, precision = "float32", signal } = given;
  const { gradientPrecision = "float32", gpuDevice } = given;
  if (threads !== undefined) expectThreads("threads", threads);
  expectBytes("maxBindingBytes", maxBindingBytes, 2 ** 16);
  expectBytes("maxMemoryBytes", maxMemoryBytes, 2 ** 20);
  expectOption("backend", backend, '"auto", "webgpu" or "cpu"', ["auto", "webgpu", "cpu"].includes(backend));
  expectOption("precision", precision, '"float32" or "mixed"', ["float32", "mixed"].includes(precision));
  if (gradientPrecision !== "float32" && (gradientPrecision !== "half" || precision !== "mixed")) {
    throw new ConfigError(
      `gradientPrecision must be "float32", or "half" with precision "mixed", not ${describe(gradientPrecision)} with ${describe(precision)}`,
      { field: "gradientPrecision" },
    );
  }
  const isDevice = gpuDevice === undefined || (typeof gpuDevice?.queue === "object" && backend !== "cpu");
  expectOption("gpuDevice", gpuDevice, 'a GPUDevice, and only for the backend "webgpu"', isDevice);
  const options = { threads, maxBindingBytes, maxMemoryBytes, precision, gradientPrecision };
  const shared = gpuDevice && requestWebGPUDevice({ ...options, gpuDevice });
  const request = shared ?? (backend === "auto" ? firstOf(options) : requests[backend](options));
  const device = await disposedIfAborted(request, signal);
  requested.set(device, options);
  return device;
}

function expectBytes(field: string, value: unknown, least: number): void {
  const fits = value === undefined || (typeof value === "number" && value >= least);
  expectOption(field, value, `at least ${least}`, fits);
}

type Request = Required<Pick<DeviceOptions, "precision" | "gradientPrecision">> &
  Omit<DeviceOptions, "backend" | "gpuDevice" | "signal">;

const requests: Record<BackendName, (options: Request) => Promise<Device>> = {
  webgpu: requestWebGPUDevice,
  cpu: requestCpuDevice,
};

const FLOAT32 = { precision: "float32", gradientPrecision: "float32" } as const;

/** The options with which devices were requested, for requesting their replacements. */
const requested = new WeakMap<Device, Request>();

/** Requests a device of a backend with the options of another device; the CPU backend computes in float32. */
export function requestAnother(like: Device, backend: BackendName): Promise<Device> {
  const { precision, gradientPrecision } = like.info;
  const options = requested.get(like) ?? { precision, gradientPrecision, threads: like.threads };
  return requestDevice({ ...options, backend, ...(backend === "cpu" && FLOAT32) });
}

/** Requests the backend that computes fastest; a software adapter comes last. */
async function firstOf(options: Request): Promise<Device> {
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
      if (!refusals.includes(error.message)) refusals.push(error.message);
    }
  }
  throw new DeviceError(`there is no device to compute on: ${refusals.join("; ")}`, {
    backend: "auto",
    refusals,
  });
}
