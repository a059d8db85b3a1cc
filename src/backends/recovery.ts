// Work that survives the loss of its device: it continues on another one of the same kind or, in the end, on the CPU backend.

import { DeviceLostError, ErwinError, OutOfMemoryError } from "../errors.ts";
import { whenVisible } from "../host/visibility.ts";
import type { Device } from "./device.ts";
import { causeOf } from "./loss.ts";
import { requestAnother } from "./request.ts";

/** The replacement of a lost device. */
export interface Recovery {
  /** What happened, in one sentence. */
  message: string;
  /** How the device was lost. */
  error: DeviceLostError;
  /** The device on which the work continues. */
  device: Pick<Device, "backend" | "info">;
}

/** Receives each device that replaces a lost one; the work waits until the returned promise resolves. */
export type RecoveryListener = (recovery: Recovery) => unknown;

/** The number of GPU devices in a row that may be lost before the work makes progress; after that, the CPU backend is used. */
const TRIES = 2;
/** The milliseconds between the tries, because a driver that restarts needs some time. */
const PAUSE = 1000;

/** Counts the lost devices that a piece of work has survived. */
export class Recoveries {
  /** The number of lost devices. */
  count = 0;
  #inVain = 0;

  /** Reports progress: at the next loss, all tries are available again. */
  progressed(): void {
    this.#inVain = 0;
  }

  /**
   * Moves work to another device if the error is caused by the loss of its own. All work on the lost device moves to the same
   * replacement, which is disposed with the lost device.
   * @param listener receives the replacement; without a listener, a change to the CPU backend, whose results differ, is written to
   *   the console
   * @throws the error, if the device was not lost, or no device is left
   */
  async survive(
    thrown: unknown,
    on: Device,
    move: (device: Device) => void | Promise<void>,
    listener?: RecoveryListener,
  ): Promise<void> {
    let lost = on;
    // On a lost device, allocations may fail before the loss is reported.
    let error = thrown instanceof OutOfMemoryError ? await causeOf(thrown, lost) : thrown;
    // The error may be about another device that a task uses.
    if (!(error instanceof DeviceLostError && (await causeOf(undefined, lost)))) throw error;
    for (;;) {
      const device = await this.#request(lost, error as DeviceLostError);
      try {
        await move(device);
        this.count++;
        await announce(lost, device, error as DeviceLostError, listener);
        return;
      } catch (again) {
        if (!(again instanceof DeviceLostError)) throw again;
        [lost, error] = [device, again];
      }
    }
  }

  async #request(lost: Device, error: DeviceLostError): Promise<Device> {
    const { backend } = lost;
    await whenVisible();
    while (this.#inVain++ < TRIES) {
      try {
        return await replacementOf(lost, backend);
      } catch (cause) {
        if (!(cause instanceof ErwinError)) throw cause;
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
    if (backend === "cpu") throw error;
    this.#inVain = 0;
    return replacementOf(lost, "cpu").catch(() => {
      throw error;
    });
  }
}

async function announce(
  { backend, info }: Device,
  device: Device,
  error: DeviceLostError,
  listener: RecoveryListener | undefined,
): Promise<void> {
  const onProcessor = device.backend !== backend;
  const rounding = info.precision === "mixed" ? "rounding to half precision" : "rounding";
  const goesOn = onProcessor
    ? `on the CPU backend, whose results differ within ${rounding}`
    : "on a new device, with the same results";
  const message = `${info.description} was lost (${error.details.message || error.details.reason}): the work continues from the last copy on the host ${goesOn}`;
  if (listener) await listener({ message, error, device });
  else if (onProcessor) console.warn(`erwin: ${message}`);
}

function replacementOf(lost: Device, backend: Device["backend"]): Promise<Device> {
  lost.replacement ??= requestAnother(lost, backend).catch((error) => {
    lost.replacement = undefined;
    throw error;
  });
  return lost.replacement;
}
