// How much memory a device really gives: limits are promises, and browsers and drivers keep some of it for themselves.

import type { Device, Storage } from "../backends/device.ts";
import { OutOfMemoryError } from "../index.ts";

/** Bytes of one allocation: as many as large tensors take. */
const PIECE = 2 ** 27;

/**
 * Allocates and touches memory up to `wanted` bytes, and returns how many the device has given. All are released again.
 * @throws OutOfMemoryError when it gives none
 */
export async function probeMemory(device: Device, wanted: number): Promise<number> {
  const pieces: Storage[] = [];
  const size = Math.min(PIECE, device.info.maxBufferBytes || PIECE, wanted);
  let given = 0;
  try {
    while (given + size <= wanted) {
      const piece = device.allocate(size);
      pieces.push(piece);
      // Untouched memory is a promise, too.
      device.clear(piece);
      await device.finished();
      given += size;
    }
  } catch (error) {
    if (!(error instanceof OutOfMemoryError) || given === 0) throw error;
  }
  for (const piece of pieces) device.release(piece);
  device.trim();
  return given;
}
