// The roofline model: the least time that work can take on a device, from the device's measured peak rates of arithmetic and of
// memory.

import type { Device } from "../../backends/device.ts";
import type { Work } from "./operations.ts";
import { type Repeats, timeOnDevice } from "./timing.ts";

/** The measured peak rates of a device, its roofline. */
export interface Roofline {
  /** Billions of fp32 operations a second, in multiply-adds that touch no memory. */
  gigaflops: number;
  /** Billions of bytes a second, read and written together, in a large copy or sum, whichever is faster. */
  gigabytes: number;
}

/** Enough elements for every thread of a large GPU; a CPU would take half a second for them. */
const ELEMENTS = { webgpu: 2 ** 23, cpu: 2 ** 20 };
const ROUNDS = 1024;
/** Exceeds every cache. */
const COPIED_BYTES = 2 ** 28;

/** More repetitions than fit into so many seconds find no higher rates. */
const MAX_SECONDS = 1;

/**
 * @param seconds about, for each of the three measurements; at most 1, the default
 * @param memory bytes that the measurement may take
 */
export async function measureRoofline(
  device: Device,
  seconds = MAX_SECONDS,
  memory = Number.POSITIVE_INFINITY,
): Promise<Roofline> {
  const repeats = { seconds: Math.min(seconds, MAX_SECONDS) };
  return {
    gigaflops: await measureArithmetic(device, repeats),
    gigabytes: await measureMemory(device, memory, repeats),
  };
}

async function measureArithmetic(device: Device, repeats: Repeats): Promise<number> {
  const elements = ELEMENTS[device.backend];
  const x = device.allocate(4 * elements);
  try {
    device.clear(x);
    const chains = { x, size: elements, rounds: ROUNDS, factor: 0.5, term: 1 };
    const multiply = await timeOnDevice(device, () => device.operators.multiplyAdd(chains), repeats);
    return (2 * elements * ROUNDS) / multiply.best / 1e6;
  } finally {
    device.release(x);
  }
}

async function measureMemory(device: Device, memory: number, repeats: Repeats): Promise<number> {
  const bytes = Math.min(COPIED_BYTES, device.info.maxBufferBytes, 2 ** Math.floor(Math.log2(memory / 2)));
  const arrays = [device.allocate(bytes)];
  try {
    arrays.push(device.allocate(bytes));
    const [from, to] = arrays;
    for (const array of arrays) device.clear(array);
    const copy = await timeOnDevice(device, () => device.copy(from, to, bytes), repeats);
    // Some drivers copy at a fifth of the speed at which kernels read and write.
    const sum = await timeOnDevice(device, () => device.operators.add({ x: from, y: to, size: bytes / 4 }), repeats);
    return Math.max((2 * bytes) / copy.best, (3 * bytes) / sum.best) / 1e6;
  } finally {
    for (const array of arrays) device.release(array);
  }
}

/** The least milliseconds that work takes on a device with this roofline. */
export const rooflineTime = ({ operations, bytes }: Work, { gigaflops, gigabytes }: Roofline): number =>
  Math.max(operations / gigaflops, bytes / gigabytes) / 1e6;

export const formatRoofline = ({ gigaflops, gigabytes }: Roofline): string =>
  `Measured peak: ${gigaflops.toFixed(1)} GFLOP/s of multiply-adds, ${gigabytes.toFixed(1)} GB/s of a copy or a sum`;
