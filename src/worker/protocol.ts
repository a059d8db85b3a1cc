// What the client and the worker agree on: the calls that cross between them, and the types of what they carry.

import type { ProxyMarked, Remote } from "comlink";
import type { Numbers } from "../arguments.ts";
import type { BackendName, DeviceInfo, DeviceMemory } from "../backends/device.ts";
import type { DeviceOptions } from "../backends/index.ts";
import type { ErwinConfig, ErwinConfigInput } from "../erwin/config.ts";
import type { ErwinInput } from "../erwin/input.ts";
import type { GivenAssets } from "../host/given-assets.ts";
import type { FitOptions, FitProgress, FitResult } from "../train/fit.ts";

/** A model's input for a worker: as for `ErwinTransformer.forward`, but in arrays, since a Tensor stays where its device is. */
export interface WorkerInput extends ErwinInput {
  /** [N, cIn] */
  nodeFeatures: Numbers;
  /** [N, D] */
  nodePositions: Numbers;
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

/** One cloud, and what the model should make of it. */
export interface WorkerSample {
  /** [n, cIn] */
  nodeFeatures: Float32Array;
  /** [n, D] */
  nodePositions: Float32Array;
  /**
   * [n, width] what the output's first `width` channels should be; with `decode: false` a row for each node of the last
   * level. The width is the same in all samples.
   */
  target: Float32Array;
  /** [2 m] sources, then targets. Needed when mpSteps > 0, unless the training has a `radius`. */
  edgeIndex?: Int32Array;
}

/**
 * "mse": of the target's width. "relativeL2": the mean over the clouds. "gaussian": negative log likelihood; the output's
 * first `width` channels are the means, the next as many are the deviations before softplus.
 */
export type WorkerLoss = "mse" | "relativeL2" | "gaussian";

type PlainFitOptions = Pick<
  FitOptions<unknown, unknown>,
  | "steps"
  | "batchSize"
  | "schedule"
  | "optimizer"
  | "accumulate"
  | "maxNorm"
  | "seed"
  | "validateEvery"
  | "saveEvery"
  | "logEvery"
>;

/** What a worker trains its model on, and how: plain data. */
export interface WorkerTrainingOptions extends PlainFitOptions {
  samples: readonly WorkerSample[];
  /** Default: no validation; the model then ends with the last step's weights. */
  validation?: readonly WorkerSample[];
  /** Tested at the end with the best weights. */
  test?: readonly WorkerSample[];
  /** Builds the graphs, edges from the points nearer than this, in place of the samples' own. */
  radius?: number;
  /** With `radius`: a point with more neighbours, itself included, keeps its nearest. Default 32; Infinity for all pairs. */
  maxNeighbors?: number;
  /** Default "mse". */
  loss?: WorkerLoss;
  /** Goes on from here: a checkpoint that a training of the same options gave. Default: from the model as it is. */
  checkpoint?: Uint8Array;
}

export interface WorkerTrainingResult extends FitResult {
  /**
   * Where training can go on, as if it had not ended: weights, optimiser, best weights. A safetensors file that `load` reads
   * too.
   */
  checkpoint: Uint8Array<ArrayBuffer>;
}

/** What a handle tells its training, past the calls that wait. */
export type TrainingCommand = "pause" | "resume" | "stop";

/** Functions on the client's side. */
export type ProgressListener = ((progress: FitProgress) => unknown) & ProxyMarked;
export type CheckpointListener = ((checkpoint: Uint8Array<ArrayBuffer>) => unknown) & ProxyMarked;

/** The calls the worker answers. */
export interface ModelWorker {
  /** Holds the lock of this name (host/life.ts) to its end; comes before `open`. */
  hold(life: string): Promise<boolean>;
  /**
   * Requests the device; comes before all other calls.
   * @param assets where the library's files are, as the client was told
   * @param threads where the worker orders its threads, if the page starts them
   */
  open(options: DeviceOptions, assets: GivenAssets, threads?: MessagePort): Promise<void>;
  load(source: Uint8Array | string, options: { config?: WorkerConfig }): Promise<void>;
  create(config: WorkerConfig, options: { seed?: number }): Promise<void>;
  forward(input: WorkerInput): Promise<WorkerOutput>;
  setMode(mode: WorkerMode): Promise<void>;
  save(): Promise<Uint8Array<ArrayBuffer>>;
  info(): WorkerInfo;
  /** @param id names the training in `command` */
  train(
    id: number,
    options: WorkerTrainingOptions,
    onProgress?: Remote<ProgressListener>,
    onCheckpoint?: Remote<CheckpointListener>,
  ): Promise<WorkerTrainingResult>;
  command(id: number, command: TrainingCommand): void;
  /** Stops the worker's threads and frees its device; the last call. */
  close(): Promise<void>;
}

/** The worker's first message, once it listens. Changes with the calls above, so that no client talks to another version's worker. */
export const GREETING = "erwin model worker, protocol 3";
