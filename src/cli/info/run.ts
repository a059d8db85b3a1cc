// Describes the run in a folder.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { METRICS_FILE } from "../../experiments/run-files.ts";
import { LAST_CHECKPOINT, type LogEntry, loadSafetensors } from "../../index.ts";
import { progressOf } from "../../train/checkpoints/checkpoint.ts";
import { readBytes } from "../files/files.ts";
import { hasWeights, isRunConfig, type RunConfig, readConfig, readEntries, weightsOf } from "../files/run-folder.ts";

export interface RunDescription {
  experiment: string;
  /** The number of steps that are done, and of the whole run. */
  step: number;
  steps: number;
  /** The best validation so far. */
  best?: { step: number; loss: number };
  /** The latest log entry of each kind. */
  training?: LogEntry;
  validation?: LogEntry;
  test?: LogEntry;
  /** The path of its weights. */
  weights?: string;
  config: RunConfig;
}

/** Describes the run in a folder; undefined if there is none. @throws InputError, FormatError for damaged files */
export function describeRun(folder: string): RunDescription | undefined {
  const config = readConfig(folder);
  if (!isRunConfig(config)) return undefined;
  const last = join(folder, LAST_CHECKPOINT);
  const entries = readEntries(join(folder, METRICS_FILE));
  const latest = (kind: LogEntry["kind"]) => entries.filter((entry) => entry.kind === kind).at(-1);
  const progress: Pick<RunDescription, "step" | "best"> = existsSync(last)
    ? progressOf(loadSafetensors(readBytes(last), { file: last }).metadata, last)
    : { step: 0 };
  return {
    experiment: config.experiment,
    step: progress.step,
    steps: Number(config.settings.steps),
    best: progress.best,
    training: latest("training"),
    validation: latest("validation"),
    test: latest("test"),
    ...(hasWeights(folder) && { weights: weightsOf(folder) }),
    config,
  };
}
