// What a device is to the rest of the library: memory, transfers, and the set of operators every backend runs.

import type { DeviceLostError } from "../errors.ts";
import type { Operators } from "./composites/index.ts";
import type { Memory, Storage } from "./storage.ts";

export type { Storage } from "./storage.ts";

export type BackendName = "webgpu" | "cpu";

/**
 * "float32", or "mixed": the forward pass rounds what matrix products multiply, and the hidden layer it stores, to half
 * precision (11 bits); sums, all other numbers and the backward pass stay in float32. Outputs then differ by about 1e-3 of
 * their size.
 */
export type Precision = "float32" | "mixed";

/**
 * What a GPU's matrix units multiply at a time: a matrix of `rows` x `inner` numbers of half precision by one of `inner` x
 * `columns`, with sums in float32, by `subgroup` threads together.
 */
export interface MatrixUnits {
  rows: number;
  columns: number;
  inner: number;
  subgroup: number;
}

/** What one workgroup computes of a matrix product's result. */
export interface Tile {
  rows: number;
  columns: number;
}

/** What speeds up a device's matrix products without changing their bits. */
export interface ProductTuning {
  /** The fastest tile for large products. */
  tile: Tile;
  /** Smaller tiles are taken where there would be fewer than so many. */
  fewTiles: number;
}

/** What the device is, in words and numbers. */
export interface DeviceInfo {
  /** The adapter's or processor's name as the host gives it. */
  description: string;
  vendor: string;
  architecture: string;
  /** True where a processor stands in for a GPU (lavapipe, SwiftShader). */
  software: boolean;
  precision: Precision;
  /** Threads of a subgroup, there where that is always the same number and kernels may exchange numbers inside one. */
  subgroupSize?: number;
  /** There where the forward pass's products run on them: in mixed precision, where the host gives access to them. */
  matrixUnits?: MatrixUnits;
  /** How matrix products are cut on this device; absent where nothing was measured. */
  productTuning?: ProductTuning;
  /** Largest single tensor binding and buffer, in bytes. */
  maxBindingBytes: number;
  maxBufferBytes: number;
  features: string[];
}

/** Device memory in use, in bytes. A live object: its numbers follow what happens. */
export interface DeviceMemory {
  /** Held by tensors that have not been disposed. */
  readonly current: number;
  /** Largest `current` so far. */
  readonly peak: number;
  /** Taken from the device, what waits for reuse included. */
  readonly reserved: number;
  /** How many buffers were ever created: constant once a repeated call has warmed up. */
  readonly buffersCreated: number;
}

/** What one kernel took. */
export interface KernelTime {
  kernel: string;
  /** Milliseconds. */
  time: number;
}

/** Kernels that are being timed. */
export interface Profile {
  /** How many have been recorded so far. */
  readonly kernels: number;
  /** Waits for them; what each took, in the order they were recorded. From then on kernels are not timed any more. */
  stop(): Promise<KernelTime[]>;
}

/** A device that can run a model. Made by `requestDevice`. */
export interface Device extends Memory {
  readonly backend: BackendName;
  readonly operators: Operators;
  readonly info: DeviceInfo;
  readonly memory: DeviceMemory;
  /** Worker threads used for trees and graphs (and for the CPU backend's operators); undefined means the default. */
  readonly threads: number | undefined;
  /** Resolves when the device goes away; every call after that throws this error. Never resolves after `dispose()`. */
  readonly lost: Promise<DeviceLostError>;

  /** Fills with zeros. */
  clear(storage: Storage): void;
  /** Copies the first bytes of one piece of device memory to another. */
  copy(from: Storage, to: Storage, bytes: number): void;
  /** Copies numbers to the device. */
  write(storage: Storage, data: ArrayBufferView): void;
  /** Waits for the work recorded so far and copies `bytes` bytes back. */
  read(storage: Storage, bytes: number): Promise<ArrayBuffer>;
  /** Hands all recorded work to the device without waiting for it. */
  submit(): void;
  /** Resolves when all work handed to the device so far is done. */
  finished(): Promise<void>;
  /**
   * Times every kernel that is recorded from now on: on a GPU each in a pass of its own, which costs a little. One profile at
   * a time. Chrome rounds GPU times to 0.1 ms unless started with --enable-webgpu-developer-features. Undefined where the
   * adapter has no timestamps.
   */
  startProfile(): Profile | undefined;
  /**
   * Finds out how matrix products are cut best on this device, once for an adapter: a real GPU does so by itself, in the
   * background, after its first result. Bits never depend on it. The environment's ERWIN_TUNE says "off", "on" (measure anew)
   * or names the file that results are kept in; otherwise they are kept in localStorage where the host has it.
   */
  tune(): Promise<void>;
  /** A device that computes nothing but allocates what this one would: how much memory a piece of work takes. */
  dryRun(): Device;
  /**
   * Begins to compile, in the background, the kernels that a piece of work will run. Kernels are compiled when they are
   * first used, too.
   * @param work is done on a device that computes nothing
   */
  compileFor(work: (dryRun: Device) => void): void;
  /** Gives memory that waits for reuse back to the system. After an OutOfMemoryError the device works again from here on. */
  trim(): void;
  dispose(): void;
  [Symbol.dispose](): void;
}
