// Device memory of one owner.

import type { Device, Storage } from "../../backends/device.ts";

/** Allocated piece by piece, freed as a whole: so an owner that cannot get all it needs leaves nothing behind. */
export class OwnMemory {
  readonly #pieces: Storage[] = [];

  constructor(readonly device: Device) {}

  /** @throws OutOfMemoryError */
  allocate(bytes: number): Storage {
    const piece = this.device.allocate(bytes);
    this.#pieces.push(piece);
    return piece;
  }

  /** The same, filled with zeros. */
  zeros(bytes: number): Storage {
    const piece = this.allocate(bytes);
    this.device.clear(piece);
    return piece;
  }

  free(): void {
    for (const piece of this.#pieces.splice(0)) this.device.release(piece);
  }
}
