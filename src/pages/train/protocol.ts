// What page and worker tell each other.

import type { FitResult, LogEntry } from "erwin";
import type { DataFile } from "../shared/data-file.ts";
import type { Preview } from "../shared/prediction/protocol.ts";
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
