// What the page advises where something is missing or has gone wrong.

import { CONFIG_FILE, METRICS_FILE } from "../../experiments/run-files.ts";
import { LAST_CHECKPOINT } from "../../train/checkpoints/store.ts";

export const ANOTHER_TAB =
  "Another tab of this browser has started a run, and the browser keeps only one: continue there, or close that tab and try again.";
export const OTHER_RUN =
  "Another tab has trained the run that is shown now: “Resume” continues it, “Save run” downloads it, “Start” and “Open file” replace it.";
export const UNKEPT =
  "A run can be trained all the same, but ends with this page: “Save run” downloads it, “Open file” continues it.";
export const UNREADABLE =
  "The run that is kept cannot go on: “Start” replaces it by a new one, “Open file” by one that was saved.";

/** What is told of an error that has ended a run. */
export interface Failure {
  /** Of the error's class. */
  name: string;
  message: string;
  /** The file that it is about. */
  file?: string;
}

/** Whether it is the run that is kept which cannot be read, so that resuming it fails again. */
export const isOfKeptRun = ({ name, file = "" }: Failure): boolean =>
  name === "CheckpointError" || [CONFIG_FILE, METRICS_FILE, LAST_CHECKPOINT].includes(file);

export const askedInVain = (asked: readonly string[]): string =>
  `The page's address asks for ${asked.join(", ")}, which there is not; the form shows what a run would have instead.`;

export const needsData = ({ experiment }: { experiment: string }): string =>
  `${experiment} reads a data set: open its folder, drop it on the page, or make samples, and try again.`;

/** Returns what to do about an error that has ended a run. */
export function adviceFor(failure: Failure, run: { canResume: boolean; readsFiles: boolean }): string {
  const { name } = failure;
  if (isOfKeptRun(failure)) return UNREADABLE;
  const again = run.canResume ? "“Resume” continues from the last checkpoint." : "“Start” tries again.";
  if (name === "DeviceError" || name === "DeviceLostError")
    return `${again} Or choose the processor as the device first.`;
  if (name === "OutOfMemoryError") return "Choose a smaller batch size, and “Start” again.";
  if ((name === "FormatError" || name === "InputError") && run.readsFiles) {
    return "Check the data set, open its folder again, and “Start”.";
  }
  if (name === "ConfigError" || name === "NumericalError") return "Change the options, and “Start” again.";
  return again;
}
