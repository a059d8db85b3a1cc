// The WebGPU device: owns the GPUDevice, unless that is the page's, its memory, its compiled kernels and its recording.

import { Resource } from "../../disposable.ts";
import { DeviceLostError, DisposedError, ErwinError } from "../../errors.ts";
import { inspect, lineOf } from "../../inspect.ts";
import { type Operators, operatorsOf } from "../composites/index.ts";
import type { Device, DeviceInfo, DeviceMemory, Profile, Storage } from "../device.ts";
import { causeOf, deviceDisposed, deviceLost, disposeReplacement, untilEnded } from "../loss.ts";
import { Allocations } from "./allocations.ts";
import { bufferUsage, mapMode } from "./constants.ts";
import type { Run } from "./context.ts";
import { DeferredSums } from "./deferred-sums.ts";
import { DerivedArrays } from "./derived.ts";
import { webgpuDryRun } from "./dry-run.ts";
import { exchange } from "./exchange.ts";
import { BufferPool, type BufferStorage } from "./memory.ts";
import { nudged } from "./nudge.ts";
import { PipelineCache } from "./pipelines.ts";
import { webgpuPrimitives } from "./primitives.ts";
import { otherTiles } from "./products.ts";
import { WorkQueue } from "./queue.ts";
import { type Bound, Recorder, windowOf } from "./recorder.ts";
import { Timestamps } from "./timestamps.ts";
import { tuneProducts } from "./tuning.ts";

/** The check of a known answer takes fewer dispatches than this; a model takes more. */
const MAX_CHECK_DISPATCHES = 16;

export class WebGPUDevice extends Resource implements Device {
  readonly backend = "webgpu";
  readonly operators: Operators;
  readonly recorder: Recorder;
  readonly pipelines: PipelineCache;
  readonly pool: BufferPool;
  readonly work: WorkQueue;
  readonly lost: Promise<DeviceLostError>;
  replacement: Promise<Device> | undefined;
  readonly memory: DeviceMemory;
  readonly exchange: Device["exchange"];
  readonly #readbacks: BufferPool;
  /** All of its memory, but for the parameters of kernels. */
  readonly #pools: readonly BufferPool[];
  readonly #derived: DerivedArrays;
  readonly sums: DeferredSums;
  readonly #allocations: Allocations;
  #failure: ErwinError | undefined;
  #report: (error: DeviceLostError) => void = () => {};
  /** Resolves when it is known whether the errors that the device has reported are those of a lost device. */
  #examined: Promise<void> | undefined;
  #tuned: Promise<void> | undefined;
  /** Ends the listening to errors: Firefox keeps a device, and all its memory, as long as something listens. */
  readonly #ended = new AbortController();

  constructor(
    readonly gpu: GPUDevice,
    readonly info: DeviceInfo,
    readonly threads: number | undefined,
    /** Whether others work on the GPUDevice too: errors that it reports may be theirs, and it is not destroyed. */
    readonly shared = false,
  ) {
    super();
    const onError = shared ? (error: GPUError) => this.#examine(error) : undefined;
    const allocations = new Allocations(gpu, () => this.memory.reserved, onError);
    this.#allocations = allocations;
    const recorder = new Recorder(allocations, info.software);
    this.recorder = recorder;
    this.work = new WorkQueue(
      () => recorder.full,
      () => recorder.pacer.finished(),
    );
    this.pipelines = new PipelineCache(gpu, (error) => this.#causeOf(error));
    this.pool = new BufferPool(allocations, info.maxMemoryBytes);
    const derived = new DerivedArrays(new BufferPool(allocations, undefined, undefined, "what follows from weights"));
    this.#derived = derived;
    const sums = new DeferredSums((...call) => this.#run(...call), this.pool, info);
    this.sums = sums;
    this.operators = operatorsOf(webgpuPrimitives({ run: sums.run, pool: this.pool, sums, derived, info }), this.pool);
    const toRead = bufferUsage.MAP_READ | bufferUsage.COPY_DST;
    this.#readbacks = new BufferPool(allocations, undefined, toRead, "a result that is read");
    this.#pools = [this.pool, derived.pool, this.#readbacks];
    this.memory = memoryOf(this.pool, this.#pools);
    const whenUnused = (destroy: () => void) =>
      this.work.add(() => {
        this.recorder.submit();
        this.recorder.forgetBindGroups();
        destroy();
      });
    this.pool.whenUnused = whenUnused;
    this.#derived.pool.whenUnused = whenUnused;
    this.pool.whenReleased = (storage) => this.#derived.release(storage);
    this.lost = new Promise((resolve) => {
      this.#report = resolve;
    });
    // Some versions of Deno have no device.lost.
    gpu.lost?.then(untilEnded(this.#ended.signal, ({ reason, message }) => this.#lose(reason, message)));
    const listen = (event: Event) => {
      event.preventDefault?.();
      this.#examine((event as GPUUncapturedErrorEvent).error);
    };
    if (shared) this.exchange = (...copy) => exchange(this, ...copy);
    else gpu.addEventListener?.("uncapturederror", listen, { signal: this.#ended.signal });
  }

  /** Finds out whether an error that the GPU reports is a failure of its own, or the consequence of one that is known. */
  #examine(error: GPUError): void {
    const { message } = error;
    const allocations = this.#allocations;
    // After a failed allocation, further errors are only its consequences, which end when the caller handles it.
    if (allocations.failure) return;
    // What the GPU's own work takes, as that of an upload does, is under no scope.
    if (error.constructor.name === "GPUOutOfMemoryError") {
      allocations.fail(`its work: ${message}`);
      return;
    }
    const found = new ErwinError(`the device reported an error: ${message}`, { message });
    // Firefox reports errors before it reports their cause: an allocation that failed, or the loss of the device.
    const examining = allocations.verified().then(() => causeOf(found, this));
    this.#examined = Promise.all([this.#examined, examining]).then(
      () => {
        this.#failure ??= found;
      },
      () => {},
    );
  }

  check(): void {
    const failure = this.#failure ?? this.#allocations.failure ?? this.work.failure;
    if (failure) throw failure;
  }

  allocate(bytes: number, shape?: readonly number[]): BufferStorage {
    this.check();
    return this.pool.allocate(bytes, undefined, shape);
  }

  release(storage: Storage): void {
    this.pool.release(storage as BufferStorage);
  }

  forget(storage: Storage): void {
    this.pool.forget(storage as BufferStorage);
  }

  copy(from: Storage, to: Storage, bytes: number): void {
    this.check();
    (to as BufferStorage).whole.version++;
    this.sums.before(from);
    this.sums.before(to);
    this.work.add(() => this.recorder.copy(from as BufferStorage, to as BufferStorage, Math.ceil(bytes / 4) * 4));
  }

  clear(storage: Storage): void {
    this.check();
    this.sums.before(storage);
    const bytes = Math.ceil(storage.bytes / 4) * 4;
    (storage as BufferStorage).whole.version++;
    this.work.add(() => this.recorder.clear(storage as BufferStorage, bytes));
  }

  write(storage: Storage, data: ArrayBufferView): void {
    this.check();
    // An empty write ends Deno's process (2.9.5, "unwrap on a None value").
    if (data.byteLength === 0) return;
    (storage as BufferStorage).whole.version++;
    this.sums.before(storage);
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    // If the write has to wait, the caller may change its array meanwhile.
    const given = this.work.open ? bytes : bytes.slice();
    this.work.add(() => this.#write(storage as BufferStorage, given));
  }

  #write({ buffer, offset, whole: owner }: BufferStorage, data: Uint8Array<ArrayBuffer>): void {
    // The queue writes before it runs the work that is still being recorded.
    if (owner.lastUse === this.recorder.recording) this.recorder.submit();
    const whole = data.byteLength - (data.byteLength % 4);
    const { queue } = this.gpu;
    this.#allocations.work(() => {
      queue.writeBuffer(buffer, offset, data, 0, whole);
      if (whole === data.byteLength) return;
      const rest = new Uint8Array(4);
      rest.set(data.subarray(whole));
      queue.writeBuffer(buffer, offset + whole, rest);
    });
  }

  read(storage: Storage, bytes: number): Promise<ArrayBuffer> {
    return this.#withCause(this.#read(storage, bytes));
  }

  async #read(storage: Storage, bytes: number): Promise<ArrayBuffer> {
    this.check();
    this.sums.settle();
    const padded = Math.ceil(bytes / 4) * 4;
    const readback = this.#readbacks.allocate(padded);
    const { pacer } = this.recorder;
    let submitted = 0;
    try {
      this.work.add(() => {
        this.recorder.copy(storage as BufferStorage, readback, padded);
        this.recorder.submit();
        submitted = pacer.submitted;
      });
      await this.work.done();
      this.check();
      const mapped = readback.buffer.mapAsync(mapMode.READ, 0, padded);
      await nudged(this.gpu.queue, mapped).catch(async (error: Error) => {
        // Nothing here unmaps a buffer while it is being mapped, so the device is lost. Firefox may report that seconds later.
        if (error.name === "AbortError") {
          await this.#causeOf(error);
          this.#lose("unknown", error.message);
        }
        // A buffer for which there was no memory cannot be mapped.
        await this.#allocations.verified();
        throw (
          this.#failure ?? new ErwinError(`the device could not return ${bytes} bytes: ${error.message}`, { bytes })
        );
      });
      pacer.finish(submitted);
      const copy = copyOut(readback.buffer, padded, bytes);
      await this.#allocations.verified();
      await this.#examined;
      this.check();
      // Tuning starts after the first result, which a caller was waiting for. Its errors are ignored: a lost device, for one, is
      // reported by the next call that does work.
      if (this.recorder.dispatches > MAX_CHECK_DISPATCHES) this.tune().catch(() => {});
      return copy;
    } finally {
      this.#readbacks.release(readback);
    }
  }

  submit(): void {
    this.sums.settle();
    this.work.add(() => this.recorder.submit());
  }

  finished(): Promise<void> {
    return this.#withCause(this.#finished());
  }

  async #finished(): Promise<void> {
    this.submit();
    await this.work.done();
    this.check();
    await this.recorder.pacer.finished();
    await this.#allocations.verified();
    await this.#examined;
    this.check();
  }

  startProfile(): Profile | undefined {
    if (!this.info.features.includes("timestamp-query")) return undefined;
    return new Timestamps(this.recorder, this.work, () => this.sums.settle());
  }

  tune(): Promise<void> {
    this.#tuned ??= tuneProducts(this);
    return this.#tuned;
  }

  dryRun(): Device {
    return webgpuDryRun(this);
  }

  compileFor(work: (dryRun: Device) => void): void {
    // Software adapters compile one kernel at a time, on the processor that also does everything else.
    if (this.info.software) return;
    const compile: Run = (name, constants) => {
      this.pipelines.get(name, constants);
      // The dry run uses only the tile and the number of queries that suit its number of points; others need the other ones.
      for (const other of otherTiles(constants, this.info)) this.pipelines.get(name, other);
      const { QUERIES = 1 } = constants;
      if (QUERIES > 1) this.pipelines.get(name, { ...constants, QUERIES: 6 - QUERIES });
    };
    work(webgpuDryRun(this, compile));
  }

  trim(): void {
    if (this.#allocations.failure) {
      // What is recorded may refer to memory that there was not; the errors of that are no news.
      this.gpu.pushErrorScope("validation");
      this.sums.settle();
      this.recorder.submit();
      this.gpu.popErrorScope().catch(() => {});
      this.#allocations.failure = undefined;
    }
    this.pool.releaseForgotten();
    this.pool.trim();
    this.#readbacks.trim();
    // After a failure this is needed: what should have computed them may not have run.
    this.#derived.trim();
  }

  dispose(): void {
    if (this.#failure instanceof DisposedError) return;
    this.#failure = deviceDisposed();
    this.work.stop(this.#failure);
    this.sums.drop();
    this.recorder.dispose();
    if (this.shared) for (const pool of this.#pools) pool.dispose();
    else this.gpu.destroy();
    this.#ended.abort();
    disposeReplacement(this);
  }

  [inspect](): string {
    return lineOf(this, this.info.description);
  }

  #run(...[name, constants, bound, parameters, groups]: Parameters<Run>): void {
    const pipeline = this.pipelines.get(name, constants);
    if (this.work.open && pipeline.pipeline) this.#dispatch(pipeline, bound, parameters, groups);
    else {
      const windows = windowsOf(bound);
      this.work.add(() => this.#dispatch(pipeline, windows, parameters, groups), pipeline.compiling);
    }
    for (const { name, access } of pipeline.source.bindings) {
      if (access === "read_write") windowOf(bound[name]).storage.whole.version++;
    }
  }

  /** Records a kernel from the workgroup `first` on. If that is too much for one submission, the rest waits until there is room. */
  #dispatch(...[pipeline, bound, parameters, groups, first]: Parameters<Recorder["dispatch"]>): void {
    const next = this.recorder.dispatch(pipeline, bound, parameters, groups, first);
    if (next >= groups) return;
    const windows = windowsOf(bound);
    this.work.addRest(() => this.#dispatch(pipeline, windows, parameters, groups, next));
  }

  /** The result, or the cause of its failure. */
  #withCause<Result>(result: Promise<Result>): Promise<Result> {
    return result.catch(async (error) => {
      throw await this.#causeOf(error);
    });
  }

  async #causeOf(error: unknown): Promise<unknown> {
    return this.#failure instanceof DisposedError ? error : causeOf(error, this);
  }

  /** Notes that the device is lost; every call fails from now on. */
  #lose(reason = "unknown", message = ""): void {
    if (this.#failure instanceof DisposedError || this.#failure instanceof DeviceLostError) return;
    const error = deviceLost(`device ${this.info.description}`, reason, message);
    this.#failure = error;
    this.#ended.abort();
    this.#report(error);
  }
}

/** Copies the first bytes of a buffer that is mapped, which it is no longer afterwards, even if the host has no memory for the copy. */
function copyOut(mapped: GPUBuffer, size: number, bytes: number): ArrayBuffer {
  try {
    return mapped.getMappedRange(0, size).slice(0, bytes);
  } finally {
    mapped.unmap();
  }
}

/** Arrays for work that waits: meanwhile the memory may be released and reused with another size. */
function windowsOf(bound: Record<string, Bound>): Record<string, Bound> {
  return Object.fromEntries(Object.entries(bound).map(([array, given]) => [array, windowOf(given)]));
}

/** @param all those of the device: that of tensors and passes, and others */
function memoryOf(pool: BufferPool, all: readonly BufferPool[]): DeviceMemory {
  return {
    get current() {
      return pool.current;
    },
    get peak() {
      return pool.peak;
    },
    get reserved() {
      return all.reduce((sum, { reserved }) => sum + reserved, 0);
    },
    limit: pool.limit,
    get buffersCreated() {
      return all.reduce((sum, { buffersCreated }) => sum + buffersCreated, 0);
    },
  };
}
