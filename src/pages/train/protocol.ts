// What page and worker tell each other.

import type { FitResult, LogEntry } from "erwin";
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

export type ToWorker =
  | TrainOrder
  /** Ends training after the step under way, with a checkpoint; another "train" goes on. */
  | { type: "pause" };

export type FromWorker =
  /** The steps begin: on what device, and the numbers of those that are done. */
  | { type: "begun"; device: string; entries: LogEntry[] }
  | { type: "entry"; entry: LogEntry }
  /** There is a new checkpoint. */
  | { type: "saved" }
  | { type: "paused" }
  | { type: "done"; result: FitResult }
  | { type: "failed"; name: string; message: string };
