// What the page advises where something is missing or has gone wrong.

export const ANOTHER_TAB =
  "Another tab of this browser has started a run, and the browser keeps only one: continue there, or close that tab and try again.";
export const OTHER_RUN =
  "Another tab has trained the run that is shown now: “Resume” continues it, “Save run” downloads it, “Start” and “Open file” replace it.";
export const UNKEPT =
  "A run can be trained all the same, but ends with this page: “Save run” downloads it, “Open file” continues it.";

export const askedInVain = (asked: readonly string[]): string =>
  `The page's address asks for ${asked.join(", ")}, which there is not; the form shows what a run would have instead.`;

export const needsData = ({ experiment }: { experiment: string }): string =>
  `${experiment} reads a data set: open its folder, drop it on the page, or make samples, and try again.`;

/** Returns what to do about an error that has ended a run. @param name of the error's class */
export function adviceFor(name: string, run: { canResume: boolean; readsFiles: boolean }): string {
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
