// Makes the CPU device.

import { DeviceError, DeviceLostError } from "../../errors.ts";
import { defaultThreads } from "../../host/environment.ts";
import type { Precision } from "../device.ts";
import { checkKnownAnswer } from "../known-answer.ts";
import { CpuDevice } from "./device.ts";
import { startExecutor } from "./executors.ts";

/**
 * Returns a CPU device that has passed its check.
 * @throws DeviceError if the host's WebAssembly lacks SIMD or threads, WorkerError if a thread does not start
 */
export async function requestCpuDevice({
  threads = defaultThreads(),
  maxBindingBytes = Number.POSITIVE_INFINITY,
  precision = "float32",
}: {
  threads?: number;
  maxBindingBytes?: number;
  precision?: Precision;
} = {}): Promise<CpuDevice> {
  if (precision !== "float32") {
    throw new DeviceError("the CPU backend computes in float32 only: leave precision out", {
      backend: "cpu",
      precision,
    });
  }
  const { executor, relaxed } = await startExecutor(threads);
  const device = new CpuDevice(executor, {
    description: `CPU, ${executor.threads} thread${executor.threads === 1 ? "" : "s"}, WebAssembly`,
    vendor: "",
    architecture: "wasm32",
    software: false,
    precision,
    maxBindingBytes: Math.min(executor.limit, maxBindingBytes),
    maxBufferBytes: executor.limit,
    features: relaxed ? ["simd", "relaxed-simd"] : ["simd"],
  });
  try {
    await checkKnownAnswer(device);
  } catch (error) {
    device.dispose();
    throw error instanceof DeviceError || error instanceof DeviceLostError
      ? error
      : new DeviceError(`the CPU backend failed its check: ${(error as Error).message}`, { backend: "cpu" });
  }
  return device;
}
