// The loss of a device: whether it is the cause of an error, and the disposal of the device's replacement.

import { DeviceLostError } from "../errors.ts";
import type { Device } from "./device.ts";

/** The milliseconds that an error waits for the report of a loss: calls on a lost device fail a moment before the loss is reported. */
const LOSS_DELAY = 1000;

/** Returns the loss of the device if it is the cause of the error; otherwise the error. */
export async function causeOf(error: unknown, { lost }: Pick<Device, "lost">): Promise<unknown> {
  if (error instanceof DeviceLostError) return error;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LOSS_DELAY);
  });
  const loss = await Promise.race([lost, patience]);
  clearTimeout(timer);
  return loss ?? error;
}

/** Disposes the replacement of a device that is being disposed. */
export function disposeReplacement({ replacement }: Pick<Device, "replacement">): void {
  replacement?.then(
    (device) => device.dispose(),
    () => {},
  );
}
