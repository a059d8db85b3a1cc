// The CPU device: WebAssembly kernels on its own threads. Calls are recorded as commands, which the threads execute after their
// submission, so that the caller, which may be a page's main thread, never waits.

import { Resource } from "../../disposable.ts";
import { type DeviceLostError, DisposedError, type ErwinError } from "../../errors.ts";
import { inspect, lineOf } from "../../inspect.ts";
import { type Operators, operatorsOf } from "../composites/index.ts";
import type { Device, DeviceInfo, DeviceMemory, Profile, Storage } from "../device.ts";
import { deviceDisposed, deviceLost, disposeReplacement } from "../loss.ts";
import type { Context } from "./context.ts";
import { cpuDryRun } from "./dry-run.ts";
import type { Executor } from "./executors.ts";
import { type Allocation, AllocationPool } from "./memory.ts";
import { cpuPrimitives } from "./primitives.ts";
import { Recorder } from "./recorder.ts";
import { CommandTimes } from "./times.ts";

export class CpuDevice extends Resource implements Device {
  readonly backend = "cpu";
  readonly operators: Operators;
  readonly recorder: Recorder;
  readonly pool: AllocationPool;
  readonly lost: Promise<DeviceLostError>;
  replacement: Promise<Device> | undefined;
  readonly threads: number;
  readonly memory: DeviceMemory;
  readonly #executor: Executor;
  #failure: ErwinError | undefined;

  constructor(
    executor: Executor,
    readonly info: DeviceInfo,
  ) {
    super();
    const { maxMemoryBytes = Number.POSITIVE_INFINITY } = info;
    const pool = new AllocationPool(Math.min(info.maxBufferBytes, maxMemoryBytes), (end) => executor.reserve(end));
    const recorder = new Recorder(executor);
    this.#executor = executor;
    this.recorder = recorder;
    this.pool = pool;
    this.memory = pool;
    this.threads = executor.threads;
    const record: Context["record"] = (command, ...fields) => recorder.record(command, ...fields);
    this.operators = operatorsOf(cpuPrimitives({ record, pool, threads: this.threads }), pool);
    this.lost = new Promise((resolve) => {
      executor.onFailure = (cause) => {
        if (this.#failure) return;
        const error = deviceLost("CPU device", "worker", cause.message, cause);
        this.#failure = error;
        resolve(error);
      };
    });
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }

  allocate(bytes: number): Allocation {
    this.check();
    return this.pool.allocate(bytes);
  }

  release(storage: Storage): void {
    this.pool.release(storage as Allocation);
  }

  forget(storage: Storage): void {
    this.pool.forget(storage as Allocation);
  }

  clear(storage: Storage): void {
    this.check();
    this.recorder.record("Clear", { to: storage, bytes: storage.bytes });
  }

  copy(from: Storage, to: Storage, bytes: number): void {
    this.check();
    this.recorder.record("Copy", { from, to, bytes });
  }

  write(storage: Storage, data: ArrayBufferView): void {
    this.check();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const { whole, address } = storage as Allocation;
    if (whole.lastUse <= this.#executor.completed) {
      this.#executor.write(address, bytes);
      return;
    }
    // Work that is already recorded may still read the old contents: the new ones are kept elsewhere and copied in order.
    const waiting = this.pool.allocateIdle(bytes.byteLength, this.recorder.settled);
    if (!waiting) {
      // Without memory for them, they wait on the host.
      this.recorder.submit();
      this.#executor.writeInOrder(address, bytes);
      whole.lastUse = this.recorder.recording;
      return;
    }
    this.#executor.write(waiting.address, bytes);
    this.recorder.record("Copy", { from: waiting, to: storage, bytes: bytes.byteLength });
    this.pool.release(waiting);
  }

  async read(storage: Storage, bytes: number): Promise<ArrayBuffer> {
    this.check();
    // The copy is made in the order of the work, because work that is recorded later may change the original.
    const readback = this.pool.allocate(bytes);
    try {
      this.recorder.record("Copy", { from: storage, to: readback, bytes });
      this.recorder.submit();
      return await this.#executor.read(readback.address, bytes);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      this.pool.release(readback);
    }
  }

  submit(): void {
    this.check();
    this.recorder.submit();
  }

  async finished(): Promise<void> {
    this.submit();
    try {
      await this.#executor.finished();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  async tune(): Promise<void> {}

  startProfile(): Profile {
    this.submit();
    this.recorder.times = new CommandTimes(this.recorder, this.pool);
    return this.recorder.times;
  }

  /** The kernels are already compiled. */
  compileFor(): void {}

  dryRun(): Device {
    return cpuDryRun(this);
  }

  trim(): void {
    this.pool.releaseForgotten();
    this.pool.trim();
  }

  dispose(): void {
    if (this.#failure instanceof DisposedError) return;
    this.#failure = deviceDisposed();
    this.#executor.stop();
    disposeReplacement(this);
  }

  [inspect](): string {
    return lineOf(this, this.info.description);
  }
}
