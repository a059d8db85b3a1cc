// A device that computes nothing: its operators allocate and release what the real ones do, so that a pass over it tells how
// much memory the same pass will take, before any is taken, and which kernels it will run.

import { ErwinError } from "../../errors.ts";
import type { Device, DeviceInfo, DeviceMemory, Storage } from "../device.ts";
import type { Constants } from "./kernels.ts";
import { BufferPool, type BufferStorage } from "./memory.ts";
import type { PipelineCache } from "./pipelines.ts";
import type { Recorder } from "./recorder.ts";
import { WebGPUYardstickOperators } from "./yardstick.ts";

/** Counts buffers without making any. */
class CountingPool extends BufferPool {
  protected override createBuffer(): GPUBuffer {
    return { destroy() {} } as GPUBuffer;
  }
}

export class RehearsalDevice extends WebGPUYardstickOperators implements Device {
  readonly backend = "webgpu";
  readonly lost = new Promise<never>(() => {});
  readonly memory: DeviceMemory;

  constructor(
    gpu: GPUDevice,
    info: DeviceInfo,
    readonly threads: number | undefined,
    /** Told of each kernel that would run. */
    readonly onKernel: (name: string, constants: Constants) => void = () => {},
  ) {
    const pool = new CountingPool(gpu);
    // Neither is reached: `run` below goes no further.
    super(undefined as unknown as Recorder, undefined as unknown as PipelineCache, pool, info);
    this.memory = pool;
  }

  async tune(): Promise<void> {}

  allocate(bytes: number): BufferStorage {
    return this.pool.allocate(bytes);
  }

  release(storage: Storage): void {
    this.pool.release(storage as BufferStorage);
  }

  slice(storage: Storage, offset: number, bytes: number): BufferStorage {
    return (storage as BufferStorage).slice(offset, bytes);
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

  startProfile(): undefined {}

  compileFor(): void {}

  rehearse(): RehearsalDevice {
    throw new ErwinError("a rehearsal cannot be rehearsed");
  }

  protected override run(name: string, constants: Constants): void {
    this.onKernel(name, constants);
  }
}
