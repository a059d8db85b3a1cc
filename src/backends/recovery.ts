// Work that survives the loss of its device: on another of the same kind, or in the end on the processor.

import { DeviceLostError, ErwinError, OutOfMemoryError } from "../errors.ts";
import { whenVisible } from "../host/visibility.ts";
import type { Device } from "./device.ts";
import { causeOf } from "./loss.ts";
import { requestAnother } from "./request.ts";

/** A device was lost, and another has taken its place. */
export interface Recovery {
  /** What happened, in one sentence. */
  message: string;
  /** How the device was lost. */
  error: DeviceLostError;
  /** The device on which the work goes on. */
  device: Pick<Device, "backend" | "info">;
}

/** Hears of each device that takes the place of a lost one; training waits for what it returns. */
export type RecoveryListener = (recovery: Recovery) => unknown;

/** The number of GPU devices in a row that may be lost before the work gets any further; then comes the CPU backend. */
const TRIES = 2;
/** Milliseconds between the tries: a driver that starts again needs some. */
const PAUSE = 1000;

/** The losses that a piece of work has survived. */
export class Recoveries {
  /** How many there were. */
  count = 0;
  #inVain = 0;

  /** Says that the work has got further: the next loss has all its tries again. */
  progressed(): void {
    this.#inVain = 0;
  }

  /**
   * Moves work to another device, if an error comes of the loss of its own. Whoever else has lost that device gets the same one,
   * which is disposed with it.
   * @param listener hears of it; without one, the console hears of it where the CPU backend goes on, whose results differ
   * @throws the error, if the device was not lost, or there is none any more
   */
  async survive(
    thrown: unknown,
    on: Device,
    move: (device: Device) => void | Promise<void>,
    listener?: RecoveryListener,
  ): Promise<void> {
    let lost = on;
    // Of a lost device allocations may fail before it says that it is lost.
    let error = thrown instanceof OutOfMemoryError ? await causeOf(thrown, lost) : thrown;
    // Some error may speak of another device: one that a task holds on to.
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
  const message = `${info.description} was lost (${error.details.message || error.details.reason}): the work goes on from the last copy on the host ${goesOn}`;
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
