// The folder of a run: its config, its checkpoints, its log and the picture of its losses.

import { existsSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { FormatError, InputError } from "../../errors.ts";
import type { Experiment } from "../../experiments/experiment.ts";
import { CONFIG_FILE, entryLines, isLogEntry, METRICS_FILE } from "../../experiments/run-files.ts";
import { changeableSettings } from "../../experiments/settings.ts";
import { BEST_CHECKPOINT, LAST_CHECKPOINT, type LogEntry, loadSafetensors } from "../../index.ts";
import { progressOf } from "../../train/checkpoints/checkpoint.ts";
import { printError } from "../process/progress.ts";
import { append, isFolder, listFolder, readBytes, writeWhole } from "./files.ts";
import { FolderStore } from "./folder-store.ts";

export const CURVE_FILE = "curve.svg";
/** The prefix of the names of TensorBoard's event files. */
export const EVENTS_PREFIX = "events.out.tfevents.";

/** Everything that determines a run's results, by name, as text: its options, its data, its initial weights. */
export type Settings = Record<string, string>;

export interface RunConfig {
  experiment: string;
  settings: Settings;
  /** What the model sees and predicts, in the order of the columns. */
  fields?: Experiment["fields"];
  /** The main model's config, and further information. */
  [more: string]: unknown;
}

export class RunFolder {
  readonly store: FolderStore;
  /** Eight letters and digits that identify the run. */
  readonly id: string;
  readonly #metrics: string;

  constructor(readonly folder: string) {
    this.store = new FolderStore(folder);
    this.#metrics = join(folder, METRICS_FILE);
    this.id = (this.config?.id as string | undefined) ?? crypto.randomUUID().slice(0, 8);
  }

  /** The config of the run in this folder, if there is one. @throws InputError if the file is not a run's config */
  get config(): RunConfig | undefined {
    return readRunConfig(this.folder);
  }

  /** @throws InputError naming the settings that differ from those of the run in this folder, if that has left any weights */
  expectSame(experiment: string, settings: Settings): void {
    const begun = this.config;
    if (!begun || !hasWeights(this.folder)) return;
    const before: Settings = { experiment: begun.experiment, ...begun.settings };
    const now: Settings = { experiment, ...settings };
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    // An option that is newer than the run was none in it.
    const textOf = (settings: Settings, name: string) => settings[name] ?? "none";
    const different = names.filter(
      (name) => textOf(before, name) !== textOf(now, name) && !changeableSettings.includes(name),
    );
    if (different.length === 0) return;
    const list = different.map((name) => `${name} ${textOf(before, name)}, not ${textOf(now, name)}`).join("; ");
    throw new InputError(
      `The run in "${this.folder}" was begun with ${list}. Go on with its own settings, or choose another folder.`,
      { file: this.folder, different },
    );
  }

  /** Whether there is a checkpoint from which the run can continue. */
  get begun(): boolean {
    return existsSync(join(this.folder, LAST_CHECKPOINT));
  }

  /** The number of steps that are done. */
  get step(): number {
    const { last } = this;
    return last ? progressOf(loadSafetensors(last.bytes, last).metadata, last.file).step : 0;
  }

  /** The run's name, which is that of the folder. */
  get name(): string {
    return basename(resolve(this.folder));
  }

  /** The checkpoint from which the run continues, which `erwin convert` may have written; undefined if there is none. */
  get last(): { bytes: Uint8Array; file: string } | undefined {
    const bytes = this.store.load(LAST_CHECKPOINT);
    return bytes && { bytes, file: join(this.folder, LAST_CHECKPOINT) };
  }

  /** Writes the config, and removes the log entries of steps that will be repeated, and what killed processes have left. */
  begin(config: RunConfig): void {
    for (const name of [LAST_CHECKPOINT, BEST_CHECKPOINT]) this.store.sweep(name);
    const { begun, step } = this;
    const kept = begun ? this.entries.filter((entry) => entry.step <= step && entry.kind !== "test") : [];
    if (kept.length > 0) writeWhole(this.#metrics, entryLines(kept));
    else rmSync(this.#metrics, { force: true });
    const events = begun ? [] : listFolder(this.folder).filter(({ name }) => name.startsWith(EVENTS_PREFIX));
    for (const { name } of events) rmSync(join(this.folder, name));
    this.write(config);
  }

  /** Writes the config. */
  write(config: RunConfig): void {
    writeWhole(join(this.folder, CONFIG_FILE), `${JSON.stringify({ ...config, id: this.id }, null, 2)}\n`);
  }

  /** Appends a line, with its line feed, to the log. */
  log(line: string): void {
    append(this.#metrics, line);
  }

  /** The entries of the log so far. */
  get entries(): LogEntry[] {
    return readEntries(this.#metrics);
  }
}

/**
 * Reads the entries of a log. The last line is skipped if it is incomplete, because the run was killed.
 * @throws FormatError for a line that is no entry
 */
export function readEntries(path: string): LogEntry[] {
  if (!existsSync(path)) return [];
  const lines = new TextDecoder().decode(readBytes(path)).split("\n");
  return lines.slice(0, -1).map((line, i) => readEntry(line, `${path}, line ${i + 1}`));
}

function readEntry(line: string, place: string): LogEntry {
  try {
    const entry: unknown = JSON.parse(line);
    if (isLogEntry(entry)) return entry;
  } catch {}
  throw new FormatError(`${place}: is damaged, expected an entry as JSON with its kind and step; remove the line.`, {
    file: place,
  });
}

/** Reads the config in a run's folder; undefined if there is none. @throws InputError if the file is of something else */
export function readRunConfig(folder: string): RunConfig | undefined {
  const config = readConfig(folder);
  if (config === undefined || isRunConfig(config)) return config;
  const file = join(folder, CONFIG_FILE);
  throw new InputError(`${file}: is not the config of a run: choose another folder.`, { file });
}

/** Reads what is in a folder under the name of a run's config; undefined if there is nothing. */
export function readConfig(folder: string): unknown {
  const path = join(folder, CONFIG_FILE);
  return existsSync(path) ? parseJson(new TextDecoder().decode(readBytes(path)), path) : undefined;
}

export function isRunConfig(value: unknown): value is RunConfig {
  const { experiment, settings } = (value ?? {}) as Partial<RunConfig>;
  return typeof experiment === "string" && typeof settings === "object" && settings !== null;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${file}: is no JSON (${(cause as Error).message}).`, { file }, { cause });
  }
}

/** Whether a run has left weights in its folder. */
export function hasWeights(folder: string): boolean {
  return [BEST_CHECKPOINT, LAST_CHECKPOINT].some((name) => existsSync(join(folder, name)));
}

/**
 * Returns the path of the weights in a run's folder: the best ones, or the last ones if there was no validation yet.
 * @param onNote is told if they are the last ones, and why
 * @throws InputError for a folder that holds neither
 */
export function weightsOf(folder: string, onNote: (line: string) => void = () => {}): string {
  const best = join(folder, BEST_CHECKPOINT);
  if (existsSync(best)) return best;
  const last = join(folder, LAST_CHECKPOINT);
  if (!hasWeights(folder)) {
    throw new InputError(
      `"${folder}" holds no weights, ${BEST_CHECKPOINT} or ${LAST_CHECKPOINT}: it is no run, or has not reached its first checkpoint.`,
      { file: folder },
    );
  }
  onNote(lastWeightsNote(folder));
  return last;
}

/** Returns the path of a model's file on this machine: of the weights of a run, if its folder is given. @throws as `weightsOf` */
export const modelFile = (given: string): string => (isFolder(given) ? weightsOf(given, printError) : given);

/** Says that a run's last weights are used, and why. */
export function lastWeightsNote(folder: string): string {
  const why = "it was not validated yet, or they were removed";
  return `${folder} has no best weights, ${BEST_CHECKPOINT} (${why}): using its last ones, ${LAST_CHECKPOINT}.`;
}
