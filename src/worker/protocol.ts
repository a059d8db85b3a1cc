// The protocol between client and worker: the calls and the types of their arguments and results.

import type { ProxyMarked, Remote } from "comlink";
import type { EdgeIndices, Indices } from "../arguments/indices.ts";
import type { Numbers } from "../arguments/numbers.ts";
import type { BackendName, DeviceInfo, DeviceMemory } from "../backends/device.ts";
import type { DeviceOptions } from "../backends/index.ts";
import type { Recovery } from "../backends/recovery.ts";
import type { SerializedError } from "../errors.ts";
import type { ErwinConfig, GivenConfig } from "../erwin/config.ts";
import type { ErwinInput } from "../erwin/input.ts";
import type { GivenAssets } from "../host/given-assets.ts";
import type { Limits } from "../limits.ts";
import type { FitOptions, FitProgress, FitResult, plainFitOptionNames } from "../train/fit-options.ts";
import type { Schedule } from "../train/optimizer/schedules.ts";

/**
 * A model's input for a worker: that of `ErwinTransformer.forward`, but in arrays, since a Tensor cannot leave its
 * device's thread.
 */
export interface WorkerInput extends ErwinInput {
  /** [N, cIn] */
  nodeFeatures: Numbers;
  /** [N, D] */
  nodePositions: Numbers;
  batchIdx?: Indices;
  offsets?: Indices;
  edgeIndex?: EdgeIndices;
}

/** The result of a forward pass in a worker. */
export interface WorkerOutput {
  /** The output's elements, row-major. */
  data: Float32Array<ArrayBuffer>;
  /** [N, cHidden[0]]; with `decode: false` [M, cHidden[K - 1]]. */
  shape: number[];
  /** The cloud of each row. */
  batchIdx: Int32Array;
}

/** "train": BatchNorm uses the batch's statistics and updates the running ones. "eval": it uses the running ones. */
export type WorkerMode = "train" | "eval";

/** The state of a worker. */
export interface WorkerInfo {
  /** The backend in use: "cpu" if the GPU's devices were lost and no new one could be requested. */
  backend: BackendName;
  device: DeviceInfo;
  /** Device memory in use, in bytes. */
  memory: DeviceMemory;
  /** The model's config; undefined before `load` or `create`. */
  config: ErwinConfig | undefined;
  mode: WorkerMode | undefined;
  /** The number of lost devices that the worker has survived. */
  recoveries: number;
}

/** One cloud and the desired output of the model. */
export interface WorkerSample {
  /** [n, cIn] */
  nodeFeatures: Numbers;
  /** [n, D] */
  nodePositions: Numbers;
  /**
   * [n, width] The desired values of the output's first `width` channels; with `decode: false` one row for each node of
   * the last level. The width is the same in all samples.
   */
  target: Numbers;
  /** [2 m] Sources, then targets. Required if mpSteps > 0, unless the training has a `radius`. */
  edgeIndex?: EdgeIndices;
}

/**
 * "mse", "l1", "huber" (with delta 1): over the target's width. "relativeL2": the mean over the clouds. "gaussian": the negative
 * log likelihood, where the output's first `width` channels are the means and the next `width` the deviations before softplus.
 * "crossEntropy": the channels are logits, and each row of the target is 1 at the point's class and 0 elsewhere; all of
 * it is 0 at points that have no class, which add nothing to the loss, but count in its mean over the points.
 */
export type WorkerLoss = "mse" | "l1" | "huber" | "relativeL2" | "gaussian" | "crossEntropy";

type PlainFitOptions = Pick<FitOptions<unknown, unknown>, keyof typeof plainFitOptionNames>;

/** The data and the options of a training in a worker: plain data. */
export interface WorkerTrainingOptions extends PlainFitOptions {
  schedule: Schedule;
  samples: readonly WorkerSample[];
  /** Default: no validation; the model then has the weights of the last step. */
  validation?: readonly WorkerSample[];
  /** Evaluated at the end with the best weights. */
  test?: readonly WorkerSample[];
  /** Builds the graphs, with edges from the points nearer than this, instead of using those of the samples. */
  radius?: number;
  /**
   * With `radius`: a point with more neighbours, including itself, keeps the nearest. Default 32; Infinity for all
   * pairs.
   */
  maxNeighbors?: number;
  /** Default "mse". */
  loss?: WorkerLoss;
  /**
   * A checkpoint of a training with the same options, from which to continue. Default: training starts from the current
   * model.
   */
  checkpoint?: Uint8Array;
}

/** How a training in a worker has ended, and the checkpoint from which it can continue. */
export interface WorkerTrainingResult extends FitResult {
  /**
   * From here training can continue as if it had not ended: weights, optimiser, best weights. It is a safetensors file
   * that `load` can read too.
   */
  checkpoint: Uint8Array<ArrayBuffer>;
}

/** A command that reaches a training ahead of the calls that wait. */
export type TrainingCommand = "pause" | "resume" | "stop";

/** A `Recovery` as it crosses threads. */
export type SentRecovery = Omit<Recovery, "error"> & { error: SerializedError };

/** Functions on the client's side. */
export type ProgressListener = ((progress: FitProgress) => unknown) & ProxyMarked;
export type CheckpointListener = ((checkpoint: Uint8Array<ArrayBuffer>) => unknown) & ProxyMarked;

export type RecoveryCall = ((recovery: SentRecovery) => unknown) & ProxyMarked;

/** How a worker handles the loss of its device. */
export interface WorkerRecovery {
  /** Whether it continues on another device. */
  recover: boolean;
  /** Whether the client's page is visible; if not, the worker waits before it requests a device. */
  visible: boolean;
}

/** The calls that the worker answers. */
export interface ModelWorker {
  /** Holds the lock of this name (host/life.ts) until the worker ends; comes before `open`. */
  hold(life: string): Promise<boolean>;
  /**
   * Requests the device; comes before all other calls.
   * @param assets where the library's files are, as set in the client
   * @param limits the limits of the client
   * @param onRecovery receives each device that replaces a lost one
   * @param threads the port on which the worker requests its threads, if the page starts them
   */
  open(
    options: DeviceOptions,
    assets: GivenAssets,
    limits: Limits,
    recovery: WorkerRecovery,
    onRecovery?: Remote<RecoveryCall>,
    threads?: MessagePort,
  ): Promise<void>;
  /** A call for a sign of life: any message of the worker is one. */
  beat(): void;
  /** Reports whether the client's page is visible. */
  setVisible(visible: boolean): void;
  load(source: Uint8Array | Blob | string, options: { config?: GivenConfig }, call: number): Promise<void>;
  create(config: GivenConfig, options: { seed?: number }, call: number): Promise<void>;
  forward(input: WorkerInput, call: number): Promise<WorkerOutput>;
  setMode(mode: WorkerMode, call: number): Promise<void>;
  save(call: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Ends the call with this number, whose caller no longer waits. */
  abort(call: number): void;
  info(): WorkerInfo;
  /** @param id identifies the training in `command` */
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

/**
 * The worker's first message, once it is ready. It changes with the calls above, so that no client uses another
 * version's worker.
 */
export const GREETING = "erwin model worker, protocol 5";

/** The worker's last message, if it ends itself, because not every host reports this to the owner. */
export const FAREWELL = "erwin model worker, closed";
