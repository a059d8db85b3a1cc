// What the client and the worker agree on: the calls that cross between them, and the types of what they carry.

import type { BackendName, DeviceInfo, DeviceMemory } from "../backends/device.ts";
import type { DeviceOptions } from "../backends/index.ts";
import type { ErwinConfig, ErwinConfigInput } from "../erwin/config.ts";
import type { ErwinInput } from "../erwin/input.ts";

/** A model's input for a worker: as for `ErwinTransformer.forward`, but in arrays, since a Tensor stays where its device is. */
export interface WorkerInput extends ErwinInput {
  /** [N, cIn] */
  nodeFeatures: Float32Array;
  /** [N, D] */
  nodePositions: Float32Array;
}

/** What a forward pass in a worker gives. */
export interface WorkerOutput {
  /** The output's numbers, row-major. */
  data: Float32Array;
  /** [N, cHidden[0]]; with `decode: false` [M, cHidden[K - 1]]. */
  shape: number[];
  /** The cloud of each row. */
  batchIdx: Int32Array;
}

/** "train": BatchNorm uses the batch's statistics and moves the running ones. "eval": it uses the running ones. */
export type WorkerMode = "train" | "eval";

/** What a worker is at work with. */
export interface WorkerInfo {
  backend: BackendName;
  device: DeviceInfo;
  /** Device memory in use, in bytes. */
  memory: DeviceMemory;
  /** Of the model; undefined before `load` or `create`. */
  config: ErwinConfig | undefined;
  mode: WorkerMode | undefined;
}

/** A config as users write it, in either spelling. */
export type WorkerConfig = ErwinConfigInput | Readonly<Record<string, unknown>>;

/** The calls the worker answers. */
export interface ModelWorker {
  /** Requests the device; comes before all other calls. */
  open(options: DeviceOptions): Promise<void>;
  load(source: Uint8Array | string, options: { config?: WorkerConfig }): Promise<void>;
  create(config: WorkerConfig, options: { seed?: number }): Promise<void>;
  forward(input: WorkerInput): Promise<WorkerOutput>;
  setMode(mode: WorkerMode): Promise<void>;
  save(): Promise<Uint8Array<ArrayBuffer>>;
  info(): WorkerInfo;
  /** Stops the worker's threads and frees its device; the last call. */
  close(): Promise<void>;
}

/** The worker's first message, once it listens. Changes with the calls above, so that no client talks to another version's worker. */
export const GREETING = "erwin model worker, protocol 1";
