// The files of a run besides its checkpoints (train/checkpoints/store.ts), which a folder of erwin train and the storage of the
// training page have in common.

import type { LogEntry } from "../train/logger.ts";

/** How the run was begun, as JSON. */
export const CONFIG_FILE = "config.json";
/** Its log. */
export const METRICS_FILE = "metrics.jsonl";

/** Whether a folder is that of a run, by the names in it: its predictions and tables are no samples. */
export const isRunFolder = (entries: readonly { readonly name: string }[]): boolean =>
  [CONFIG_FILE, METRICS_FILE].every((file) => entries.some(({ name }) => name === file));

/** Formats entries of a log as lines of JSON. */
export const entryLines = (entries: readonly LogEntry[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");

/** Whether what a line of a log holds is an entry. */
export function isLogEntry(value: unknown): value is LogEntry {
  const { kind, step } = (value ?? {}) as Partial<LogEntry>;
  return typeof kind === "string" && typeof step === "number";
}
