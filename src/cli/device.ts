// Requests the device that a command works on, and releases it.

import { type Device, disposeThreads, requestDevice } from "../index.ts";
import { withGpu } from "./node-gpu.ts";
import type { DeviceChoice } from "./options/shared.ts";

/** Runs `work` on a device, and disposes of the device and all threads afterwards: otherwise the process would not end. */
export async function withDevice<T>(
  { dawnToggles, ...choice }: DeviceChoice,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  const onDevice = async () => {
    const device = await requestDevice(choice);
    try {
      return await work(device);
    } finally {
      device.dispose();
    }
  };
  try {
    return await (choice.backend === "cpu" ? onDevice() : withGpu(onDevice, dawnToggles));
  } finally {
    disposeThreads();
  }
}

/** Names a device: "webgpu: NVIDIA H100", "webgpu: llvmpipe (software)". */
export function describeDevice({ backend, info }: Device): string {
  return `${backend}: ${info.description || info.vendor || "unnamed"}${info.software ? " (software)" : ""}`;
}
