// What pages call the device that a worker computes on.

import type { Device } from "erwin";

export const describeDevice = ({ backend, info }: Pick<Device, "backend" | "info">): string =>
  `${backend === "cpu" ? "Processor" : "WebGPU"}: ${info.description || info.vendor || "unnamed"}`;
