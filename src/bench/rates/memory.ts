// Measures how much memory a device really grants: limits are only promises, and browsers and drivers keep some memory for
// themselves.

import type { Device, Storage } from "../../backends/device.ts";
import { OutOfMemoryError } from "../../index.ts";

/** The bytes of one allocation, which is as large as large tensors are. */
const PIECE = 2 ** 27;

/**
 * Allocates and touches up to `wanted` bytes of memory, and returns how many the device has granted. All are freed again.
 * @throws OutOfMemoryError if it grants none
 */
export async function probeMemory(device: Device, wanted: number): Promise<number> {
  const pieces: Storage[] = [];
  const size = Math.min(PIECE, device.info.maxBufferBytes || PIECE, wanted);
  let given = 0;
  try {
    while (given + size <= wanted) {
      const piece = device.allocate(size);
      pieces.push(piece);
      // Memory that was never touched may not have been granted.
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
