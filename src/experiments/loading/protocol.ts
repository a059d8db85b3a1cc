// The protocol between a training and the workers that make its batches.

import type { ProxyMarked, Remote } from "comlink";
import type { DeviceInfo } from "../../backends/device.ts";
import type { GivenAssets } from "../../host/given-assets.ts";
import type { Limits } from "../../limits.ts";
import type { BatchRequest } from "../../train/data/loading.ts";
import type { DataSource } from "../data-source.ts";
import type { BadSample, ExperimentOptions } from "../experiment.ts";

/** What a worker needs to make the same batches as the training's own thread. */
export interface BatchSetup {
  /** The experiment's name. */
  name: string;
  /** The model's metadata (`model.metadata()`): its shape, and for a folder its fields. */
  metadata: Readonly<Record<string, string>>;
  options: ExperimentOptions;
  /** For a folder: a file in the source that lists samples. */
  list?: string;
  /** The device that is trained on. */
  info: DeviceInfo;
  /** The source's name, for error messages. */
  sourceName: string;
  /** Whether damaged samples are replaced by others. */
  skipBad: boolean;
}

/** A source in the training's thread. */
export type SharedSource = Pick<DataSource, "list" | "read" | "size"> & ProxyMarked;

export interface MadeBatch {
  batch: unknown;
  /** The damaged samples that were found since the last batch. */
  bad: readonly BadSample[];
}

/** The calls that a worker answers. */
export interface BatchWorker {
  /**
   * Finds the samples; must be called before all other calls.
   * @param assets where the library's files are, as set in the training's thread
   * @param limits the limits of the training's thread
   * @param source undefined for experiments that read no files
   */
  open(setup: BatchSetup, assets: GivenAssets, limits: Limits, source?: Remote<SharedSource>): Promise<void>;
  make(request: BatchRequest): Promise<MadeBatch>;
  /** A call for a sign of life: any message of the worker is one. */
  beat(): void;
}

/** A worker's first message, once it is ready. Its version changes with the calls above. */
export const GREETING = "erwin data worker, protocol 2";
