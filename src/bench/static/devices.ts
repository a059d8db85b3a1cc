// The GPUs of the time model (times.ts), with figures that are compared with measurements and corrected by them.

export interface ModelledDevice {
  gpu: string;
  /** Streaming multiprocessors, of four schedulers each. */
  multiprocessors: number;
  /** Clock rate under load, in hertz. */
  clock: number;
  /** Share of the schedulers' cycles that issue an instruction in kernels bound by arithmetic; a guess. */
  issue: number;
  /** Share of the cycles in which a multiprocessor's load-store unit works, in kernels bound by it. */
  loadStore: number;
  /** Achieved bandwidth of memory and of the L2 cache, in bytes a second. */
  dram: number;
  l2: number;
  /** Seconds of a load. */
  dramLatency: number;
  l2Latency: number;
  /** Seconds from the end of a dispatch, copy or clear to the start of the next, which waits for it; a guess. */
  gap: number;
}

// Clock and load-store share as measured on an H200 (products with and without their loads, in several tiles).
const hopper = {
  gpu: "sm_90",
  multiprocessors: 132,
  clock: 1.98e9,
  issue: 0.75,
  loadStore: 0.73,
  l2: 5.5e12,
  dramLatency: 0.45e-6,
  l2Latency: 0.18e-6,
  gap: 3.5e-6,
};

export const devices: Record<string, ModelledDevice> = {
  A6000: {
    gpu: "sm_86",
    multiprocessors: 84,
    clock: 1.7e9,
    issue: 0.75,
    loadStore: 0.73,
    dram: 768e9 * 0.85,
    l2: 2e12,
    dramLatency: 0.4e-6,
    l2Latency: 0.17e-6,
    gap: 3.5e-6,
  },
  H100: { ...hopper, dram: 3350e9 * 0.85 },
  H200: { ...hopper, dram: 4800e9 * 0.8 },
};

/**
 * The devices of the model's first version, from before measurements: it had no load-store unit, and a lower clock for sm_90.
 */
export const uncorrectedDevices: Record<string, ModelledDevice> = Object.fromEntries(
  Object.entries(devices).map(([name, device]) => [
    name,
    { ...device, loadStore: Number.POSITIVE_INFINITY, clock: device.gpu === "sm_90" ? 1.75e9 : device.clock },
  ]),
);
