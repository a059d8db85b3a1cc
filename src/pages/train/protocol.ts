// What page and worker tell each other.

import type { FitResult, LogEntry } from "erwin";
import type { Range } from "../shared/stage/paint.ts";
import type { RunConfig } from "./saved-run.ts";

export interface TrainOrder {
  type: "train";
  config: RunConfig;
  /** Of experiments that read a data set. */
  files?: readonly DataFile[];
  /** Whether to go on with the run that is kept in the browser; otherwise it is replaced. */
  resume: boolean;
}

/** A file of a data set, and its path in the folder. */
export interface DataFile {
  path: string;
  file: Blob;
}

/** What the model says of a sample, for the stage. Numbers of points are in the order of drawing. */
export interface Preview {
  /** The number of steps that were done. */
  step: number;
  sample: string;
  flat: boolean;
  /** The typical distance of neighbouring points, in units of the drawing. */
  spacing: number;
  fields: PreviewField[];
  /** One, or several of a sequence. */
  frames: PreviewFrame[];
}

/** One number of each point: a field, a component of it, or the length of a vector. */
export interface PreviewField {
  name: string;
  /** Whether its numbers are classes, counted from 0. */
  isClass: boolean;
  /** Of the truth in all frames, where it is known; else of the prediction. */
  range: Range;
}

export interface PreviewFrame {
  /** Where in time. */
  time?: number;
  /** [points, 3] within the unit sphere. */
  positions: Float32Array;
  /** Of each field. */
  values: PreviewValues[];
}

export interface PreviewValues {
  /** [points] */
  prediction: Float32Array;
  /** [points] where the truth is known. */
  truth?: Float32Array;
  /** Its magnitude; of the length of a vector that of the difference. */
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
  /** The device was lost, and training goes on with another. */
  | { type: "recovered"; device: string; message: string }
  /** There is a new checkpoint. */
  | { type: "saved" }
  | { type: "paused" }
  | { type: "done"; result: FitResult }
  | { type: "failed"; name: string; message: string };
