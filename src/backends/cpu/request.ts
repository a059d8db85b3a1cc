// Makes the CPU device.

import { DeviceError } from "../../errors.ts";
import { defaultThreads } from "../../host/environment.ts";
import type { DeviceInfo } from "../device.ts";
import { checkDevice } from "../known-answer.ts";
import type { DeviceOptions } from "../request.ts";
import { CpuDevice } from "./device.ts";
import { startExecutor } from "./executors.ts";
import { firstAddress } from "./module.ts";

/**
 * Returns a CPU device that has passed its check.
 * @throws DeviceError if the host's WebAssembly lacks SIMD or threads, WorkerError if a thread does not start
 */
export async function requestCpuDevice({
  threads = defaultThreads(),
  maxBindingBytes = Number.POSITIVE_INFINITY,
  maxMemoryBytes,
  precision = "float32",
}: Omit<DeviceOptions, "backend" | "signal"> = {}): Promise<CpuDevice> {
  if (precision !== "float32") {
    throw new DeviceError("the CPU backend computes in float32 only: leave precision out", {
      backend: "cpu",
      precision,
    });
  }
  const { executor, relaxed } = await startExecutor(threads);
  const largest = executor.limit - firstAddress;
  const info: DeviceInfo = {
    description: `CPU, ${executor.threads} thread${executor.threads === 1 ? "" : "s"}, WebAssembly`,
    vendor: "",
    architecture: "wasm32",
    software: false,
    precision,
    maxBindingBytes: Math.min(largest, maxBindingBytes),
    maxBufferBytes: largest,
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    features: relaxed ? ["simd", "relaxed-simd"] : ["simd"],
  };
  const device = new CpuDevice(executor, info);
  await checkDevice(device, "the CPU backend");
  return device;
}
