// What page and worker tell each other.

import type { FitResult, LogEntry } from "erwin";
import type { Range } from "../shared/stage/paint.ts";
import type { RunFiles } from "./run-store.ts";
import type { RunConfig } from "./saved-run.ts";
import type { Failure } from "./texts.ts";

export interface TrainOrder {
  type: "train";
  config: RunConfig;
  /** Of experiments that read a data set. */
  files?: readonly DataFile[];
  /** The files of the run if the browser does not keep them. */
  memory?: RunFiles;
}

/** A file of a data set, and its path in the folder. */
export interface DataFile {
  path: string;
  file: Blob;
}

/** A model's prediction for a sample, for the stage. The values of points are in the drawing's order. */
export interface Preview {
  /** The number of steps done. */
  step: number;
  sample: string;
  flat: boolean;
  /** The typical distance between neighbouring points, in units of the drawing. */
  spacing: number;
  fields: PreviewField[];
  /** One frame, or several of a sequence. */
  frames: PreviewFrame[];
}

/** One value of each point: a field, a component of it, or the length of a vector. */
export interface PreviewField {
  name: string;
  /** Whether its values are classes, counted from 0. */
  isClass: boolean;
  /** The range of the truth in all frames, if it is known; otherwise that of the prediction. */
  range: Range;
}

export interface PreviewFrame {
  /** The frame's time. */
  time?: number;
  /** [points, 3] within the unit sphere. */
  positions: Float32Array;
  /** The values of each field. */
  values: PreviewValues[];
}

export interface PreviewValues {
  /** [points] */
  prediction: Float32Array;
  /** [points] undefined if the truth is unknown. */
  truth?: Float32Array;
  /** The magnitude of the error; for the length of a vector, that of the difference of the vectors. */
  error?: Float32Array;
}

export type ToWorker =
  | TrainOrder
  /** Ends training after the step under way, with a checkpoint; another "train" goes on. */
  | { type: "pause" };

export type FromWorker =
  /** The steps begin: on what device, and the numbers of those that are done. */
  | { type: "begun"; device: string; entries: LogEntry[] }
  | { type: "entry"; entry: LogEntry }
  | { type: "preview"; preview: Preview }
  /** The device was lost, and training continues on another one. */
  | { type: "recovered"; device: string; message: string }
  /** There is a new checkpoint. The run's files, if the browser does not keep them. */
  | { type: "saved"; memory?: RunFiles }
  /** From now on the browser does not keep the run. */
  | { type: "refused"; reason: string }
  | { type: "paused" }
  | { type: "done"; result: FitResult }
  | ({ type: "failed" } & Failure);
