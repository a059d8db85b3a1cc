// The end of a device: the errors of calls after it, whether its loss is the cause of an error, and the disposal of its replacement.

import { DeviceLostError, DisposedError } from "../errors.ts";
import { within } from "../host/patience.ts";
import type { Device } from "./device.ts";

/** The seconds that an error waits for the report of a loss: calls on a lost device fail a moment before the loss is reported. */
const LOSS_SECONDS = 1;

/** The error of all calls on a device that was lost. @param what its name in the message */
export function deviceLost(what: string, reason: string, message: string, cause?: unknown): DeviceLostError {
  const why = message && `: ${message.replace(/\.$/, "")}`;
  const advice = "Its tensors are gone: request a new device and load the model again";
  return new DeviceLostError(`the ${what} was lost${why}. ${advice}`, { reason, message }, { cause });
}

/** The error of all calls on a device that was disposed. */
export const deviceDisposed = () => new DisposedError("this device has been disposed: request a new one");

/** Returns the loss of the device if it is the cause of the error; otherwise the error. */
export async function causeOf(error: unknown, { lost }: Pick<Device, "lost">): Promise<unknown> {
  if (error instanceof DeviceLostError) return error;
  return within(LOSS_SECONDS, lost).catch(() => error);
}

/**
 * Returns what a promise of the page's GPU may call: once the signal is aborted it calls nothing and holds nothing. Such a promise keeps
 * all that waits for it, which would be every device that was ever disposed, with its buffers for uploads.
 */
export function untilEnded<Value>(ended: AbortSignal, call: (value: Value) => void): (value: Value) => void {
  let kept: typeof call | undefined = call;
  ended.addEventListener("abort", () => {
    kept = undefined;
  });
  return (value) => kept?.(value);
}

/** Disposes the replacement of a device that is being disposed. */
export function disposeReplacement({ replacement }: Pick<Device, "replacement">): void {
  replacement?.then(
    (device) => device.dispose(),
    () => {},
  );
}
