// The loss of a device: whether it is the cause of an error, and the disposal of the device's replacement.

import { DeviceLostError } from "../errors.ts";
import { within } from "../host/patience.ts";
import type { Device } from "./device.ts";

/** The seconds that an error waits for the report of a loss: calls on a lost device fail a moment before the loss is reported. */
const LOSS_SECONDS = 1;

/** Returns the loss of the device if it is the cause of the error; otherwise the error. */
export async function causeOf(error: unknown, { lost }: Pick<Device, "lost">): Promise<unknown> {
  if (error instanceof DeviceLostError) return error;
  return within(LOSS_SECONDS, lost).catch(() => error);
}

/** Disposes the replacement of a device that is being disposed. */
export function disposeReplacement({ replacement }: Pick<Device, "replacement">): void {
  replacement?.then(
    (device) => device.dispose(),
    () => {},
  );
}
