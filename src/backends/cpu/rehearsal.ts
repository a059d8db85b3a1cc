// A device that computes nothing: its operators allocate and release what the real ones do, so that a pass over it tells how
// much memory the same pass will take, before any is taken.

import { ErwinError } from "../../errors.ts";
import type { Device, DeviceInfo, DeviceMemory, Storage } from "../device.ts";
import { type Piece, PiecePool } from "./memory.ts";
import type { Recorder } from "./recorder.ts";
import { CpuYardstickOperators } from "./yardstick.ts";

export class RehearsalDevice extends CpuYardstickOperators implements Device {
  readonly backend = "cpu";
  readonly lost = new Promise<never>(() => {});
  readonly memory: DeviceMemory;

  constructor(
    readonly info: DeviceInfo,
    readonly threads: number,
  ) {
    const pool = new PiecePool(Number.POSITIVE_INFINITY, () => {});
    super({ record() {} } as unknown as Recorder, pool, threads);
    this.memory = pool;
  }

  allocate(bytes: number): Piece {
    return this.pool.allocate(bytes);
  }

  release(storage: Storage): void {
    this.pool.release(storage as Piece);
  }

  slice(storage: Storage, offset: number, bytes: number): Piece {
    return (storage as Piece).slice(offset, bytes);
  }

  clear(): void {}
  copy(): void {}
  write(): void {}
  submit(): void {}
  trim(): void {}
  dispose(): void {}
  [Symbol.dispose](): void {}
  async finished(): Promise<void> {}

  async read(): Promise<ArrayBuffer> {
    throw new ErwinError("a rehearsal computes nothing that could be read");
  }

  async tune(): Promise<void> {}

  startProfile(): undefined {}

  compileFor(): void {}

  rehearse(): RehearsalDevice {
    throw new ErwinError("a rehearsal cannot be rehearsed");
  }
}
