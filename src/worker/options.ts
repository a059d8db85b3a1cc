// What the calls of a model in a worker take besides their data.

import type { AbortOptions } from "../abort.ts";
import type { DeviceOptions, RecoveryListener } from "../backends/index.ts";
import type { GivenConfig } from "../erwin/config.ts";
import type { WorkerTrainingResult } from "./protocol.ts";

/** The worker's script, and the device that it requests. */
export interface ErwinWorkerOptions extends Omit<DeviceOptions, "gpuDevice"> {
  /**
   * The URL of the worker script. Default: next to the library. It may be on another host, which has to allow it
   * (CORS).
   */
  url?: string | URL;
  /**
   * Whether the worker continues when its device is lost: on a new device of the same kind, with a copy of the model that it keeps
   * in its own memory, so that the current call only takes longer and gives the same result. If two new devices are lost before a
   * call succeeds, or there is no new device, it continues on the CPU backend, whose results differ within rounding. On a hidden
   * page it waits until the page is visible. Default true; false: calls reject with DeviceLostError until a model is loaded.
   */
  recover?: boolean;
  /** Receives each device that replaces a lost one. Without it, a change to the CPU backend is written to the console. */
  onRecovery?: RecoveryListener;
}

/** How arrays get to the worker. */
export interface TransferOptions {
  /**
   * Transfers the arrays' memory instead of copying it: this is faster, but the caller's arrays are empty afterwards,
   * and so is every other array on the same memory. Default false.
   */
  transfer?: boolean;
}

/** How the worker loads a checkpoint. */
export interface WorkerLoadOptions extends TransferOptions, AbortOptions {
  /** Used instead of the checkpoint's own config. */
  config?: GivenConfig;
}

/** How to apply the model in the worker. */
export interface WorkerForwardOptions extends TransferOptions, AbortOptions {}

/** How to train in the worker, and who hears of checkpoints. */
export interface TrainOptions extends TransferOptions {
  /** Stops the training like `stop()`: it ends with a checkpoint from which it can continue. */
  signal?: AbortSignal | undefined;
  /**
   * Called with each checkpoint, every `saveEvery` steps and at the end: if the page keeps it, in IndexedDB say, it
   * outlives the worker.
   */
  onCheckpoint?: (checkpoint: Uint8Array<ArrayBuffer>) => unknown;
}

/** The handle of a training in a worker. Its methods do not wait for other calls; after the end they do nothing. */
export interface WorkerTraining {
  /** Training pauses before the next step. Calls of the worker that wait for the training keep waiting. */
  pause(): void;
  resume(): void;
  /**
   * Training ends before the next step, with a checkpoint from which it can continue; if it has not begun, without a
   * step.
   */
  stop(): void;
  readonly finished: Promise<WorkerTrainingResult>;
}
