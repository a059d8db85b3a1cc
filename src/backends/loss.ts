// The loss of a device: what it explains, and what it leaves behind.

import { DeviceLostError } from "../errors.ts";
import type { Device } from "./device.ts";

/** Calls of a lost device fail a moment before it says that it is lost: an error waits for that for so many milliseconds. */
const LOSS_DELAY = 1000;

/** The loss of the device, if an error comes of that; else the error. */
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

/** Disposes the device that has taken the place of another, which is being disposed. */
export function disposeReplacement({ replacement }: Pick<Device, "replacement">): void {
  replacement?.then(
    (device) => device.dispose(),
    () => {},
  );
}
