// Checks that a device computes correctly.

import { DeviceError, DeviceLostError } from "../errors.ts";
import type { Device } from "./device.ts";

/**
 * Checks a new device by a small product with a known result, because some adapters accept work and do nothing, or compute it wrongly.
 * One that fails is disposed.
 * @param what its name in messages
 * @throws DeviceError if the result is wrong, or there is none; DeviceLostError
 */
export async function checkDevice(device: Device, what: string): Promise<void> {
  try {
    await checkKnownAnswer(device);
  } catch (error) {
    device.dispose();
    throw error instanceof DeviceError || error instanceof DeviceLostError
      ? error
      : new DeviceError(`${what} failed its check: ${(error as Error).message}`, { backend: device.backend });
  }
}

async function checkKnownAnswer(device: Device): Promise<void> {
  const x = device.allocate(8 * 4);
  const weight = device.allocate(16 * 4);
  const bias = device.allocate(4 * 4);
  const y = device.allocate(8 * 4);
  device.write(x, new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]));
  device.write(weight, new Float32Array([1, 0, -1, 0.5, 2, 0.5, 0.25, 0, 0, 0, 0, 1, 1, 1, 1, 1]));
  device.write(bias, new Float32Array([10, 20, 0, -1]));
  // The widths are multiples of 4, as in most models, so that the model can reuse the compiled kernel.
  device.operators.linear({ x, weight, bias, y, rows: 2, columns: 4, inner: 4 });
  const found = [...new Float32Array(await device.read(y, 8 * 4))];
  for (const storage of [x, weight, bias, y]) device.release(storage);
  const expected = [10, 23.75, 4, 9, 12, 34.75, 8, 25];
  if (found.some((value, i) => value !== expected[i])) {
    throw new DeviceError(
      `${device.info.description} computes wrong results: a product should be [${expected}] but is [${found}]. Update its driver or use another backend`,
      { expected, found },
    );
  }
}
