// The interface of a device: memory, transfers, and the operators that every backend runs.

import type { DeviceLostError } from "../errors.ts";
import type { Operators } from "./composites/index.ts";
import type { Memory, Storage } from "./storage.ts";

export type { Storage } from "./storage.ts";

/** What computes: a GPU, or the processor by WebAssembly. */
export type BackendName = "webgpu" | "cpu";

/**
 * "float32", or "mixed": the forward pass rounds the factors of matrix products, and the hidden layer that it stores, to half
 * precision (11 bits); sums, all other values and, unless `gradientPrecision` says otherwise, the backward pass stay in float32. The
 * relative error of outputs is then about 1e-3.
 */
export type Precision = "float32" | "mixed";

/**
 * The precision of the backward pass's matrix products in mixed precision: "float32", or "half", which rounds their factors, the
 * gradients among them, to half precision; sums, and those of biases, stay in float32. Gradients below 6e-8 then become 0, and those
 * above 65504 infinite: train with a loss scale (`AdamWOptions.lossScale`).
 */
export type GradientPrecision = "float32" | "half";

/** A GPUDevice, told by little: TypeScript long did not know WebGPU's types. */
export interface PageDevice {
  readonly limits: object;
  readonly queue: object;
}

/** A GPUBuffer, likewise. */
export interface PageBuffer {
  /** Bytes. */
  readonly size: number;
  readonly usage: number;
}

/**
 * The shape of one multiplication of a GPU's matrix units: `subgroup` threads multiply a matrix of `rows` x `inner` elements by one
 * of `inner` x `columns`, in half precision with sums in float32.
 */
export interface MatrixUnits {
  rows: number;
  columns: number;
  inner: number;
  subgroup: number;
}

/** The part of a matrix product's result that one workgroup computes. */
export interface Tile {
  rows: number;
  columns: number;
}

/** The settings that make a device's matrix products fast. They do not change any bits. */
export interface ProductTuning {
  /** The fastest tile for large products. */
  tile: Tile;
  /** Smaller tiles are used if there would be fewer than this many tiles. */
  fewTiles: number;
}

/** The properties of a device. */
export interface DeviceInfo {
  /** The name of the adapter or processor, as reported by the host. */
  description: string;
  vendor: string;
  architecture: string;
  /** True if a processor emulates a GPU (lavapipe, SwiftShader). */
  software: boolean;
  /** True if a thread of the GPU may have only about 128 registers, so that kernels keep fewer values at a time. */
  fewRegisters?: boolean;
  precision: Precision;
  /** Absent: "float32". */
  gradientPrecision?: GradientPrecision;
  /** The number of threads of a subgroup, if it is always the same and kernels may exchange values within subgroups. */
  subgroupSize?: number;
  /** The matrix units that products in half precision use: in mixed precision, if the host gives access to them. */
  matrixUnits?: MatrixUnits;
  /** The measured settings of matrix products; absent if nothing was measured. */
  productTuning?: ProductTuning;
  /** The maximum sizes of a binding and of a buffer in bytes. */
  maxBindingBytes: number;
  maxBufferBytes: number;
  /** The max memory in bytes that the device may allocate (`maxMemoryBytes`). */
  maxMemoryBytes?: number;
  features: string[];
}

/** Device memory in use, in bytes. A live object: its values are always current. */
export interface DeviceMemory {
  /** Held by tensors that have not been disposed. */
  readonly current: number;
  /** The maximum of `current` so far. */
  readonly peak: number;
  /** Allocated on the device, including memory that waits for reuse. */
  readonly reserved: number;
  /** The max bytes that may be allocated: what WebAssembly can hold, or `maxMemoryBytes`; infinite if the device does not tell. */
  readonly limit: number;
  /** The number of buffers created so far: constant once a repeated call has warmed up. */
  readonly buffersCreated: number;
}

/** The time of one kernel. */
export interface KernelTime {
  kernel: string;
  /** Milliseconds. */
  time: number;
  /** Milliseconds by the device's clock, from an arbitrary moment on; absent where the clock tells durations alone. */
  start?: number;
}

/** A profile in progress: kernels that are being timed. */
export interface Profile {
  /** The number of kernels recorded so far. */
  readonly kernels: number;
  /** Stops timing kernels, waits for those recorded so far, and returns their times in the order of their recording. */
  stop(): Promise<KernelTime[]>;
}

/**
 * A device that can run a model. Made by `requestDevice`. Work is recorded, and runs in the background. On WebGPU it is submitted in
 * pieces that take about half a second at most, and not more than about two seconds' worth ahead, so that neither the browser nor
 * the system takes a slow device for one that hangs; `dispose()` drops what has not been submitted.
 */
export interface Device extends Memory {
  readonly backend: BackendName;
  /** @internal Operators on its memory, which those on tensors call. */
  readonly operators: Operators;
  readonly info: DeviceInfo;
  readonly memory: DeviceMemory;
  /** Worker threads used for trees and graphs (and for the CPU backend's operators); undefined means the default. */
  readonly threads: number | undefined;
  /** Resolves when the device goes away; every call after that throws this error. Never resolves after `dispose()`. */
  readonly lost: Promise<DeviceLostError>;
  /** @internal The device that has replaced it after its loss, and is disposed with it. */
  replacement?: Promise<Device>;

  /** @internal Throws what every call that does work throws once the device is lost or disposed, or had no memory for earlier work. */
  check(): void;
  /**
   * @param shape the shape of the tensor that it is for, which a dry run notes
   * @throws OutOfMemoryError if the device cannot hold this many bytes
   */
  allocate(bytes: number, shape?: readonly number[]): Storage;
  /** @internal Releases memory that nothing refers to any more, as soon as other memory is needed. */
  forget(storage: Storage): void;
  /** Fills with zeros. */
  clear(storage: Storage): void;
  /** Copies the first bytes of one storage to another. */
  copy(from: Storage, to: Storage, bytes: number): void;
  /**
   * @internal Copies to or from a buffer of a page that shares its GPUDevice; undefined on other devices. Resolves once that is
   * submitted.
   */
  exchange?(storage: Storage, bytes: number, way: "to" | "from", buffer: PageBuffer, offset: number): Promise<void>;
  /** Copies data to the device. */
  write(storage: Storage, data: ArrayBufferView): void;
  /** Waits for the work recorded so far and copies `bytes` bytes back. */
  read(storage: Storage, bytes: number): Promise<ArrayBuffer>;
  /** Submits all recorded work without waiting for it. */
  submit(): void;
  /** Submits all recorded work and resolves when it is done. */
  finished(): Promise<void>;
  /**
   * Times every kernel that is recorded from now on. On a GPU each gets its own pass, which costs some time. Only one profile can
   * run at a time. Chrome rounds GPU times to 0.1 ms unless it was started with --enable-webgpu-developer-features. Undefined if
   * the adapter has no timestamps.
   */
  startProfile(): Profile | undefined;
  /**
   * Measures the fastest settings of matrix products, once for each adapter. A real GPU does this automatically, in the background
   * after its first result. No bits depend on it. The environment variable ERWIN_TUNE is "off", "on" (measure anew) or the file in
   * which results are stored; by default they are stored in localStorage, if the host has it.
   */
  tune(): Promise<void>;
  /** Returns a device that computes nothing but allocates what this one would, to find out how much memory some work needs. */
  dryRun(): Device;
  /**
   * Starts to compile, in the background, the kernels that some work will run. Otherwise kernels are compiled at their first use.
   * @param work is done on a device that computes nothing
   */
  compileFor(work: (dryRun: Device) => void): void;
  /**
   * Returns memory that waits for reuse, also that of forgotten tensors, to the system. After an OutOfMemoryError the device works
   * again.
   */
  trim(): void;
  dispose(): void;
  [Symbol.dispose](): void;
}
