// A run's folder: what it was begun with, its checkpoints, its numbers and its picture.

import { existsSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { BEST_CHECKPOINT, LAST_CHECKPOINT, type LogEntry, loadSafetensors } from "../index.ts";
import { append, listFolder, readBytes, writeWhole } from "./files.ts";
import { FolderStore } from "./folder-store.ts";

export const CONFIG_FILE = "config.json";
export const METRICS_FILE = "metrics.jsonl";
export const CURVE_FILE = "curve.svg";
/** What names of TensorBoard's event files begin with. */
export const EVENTS_PREFIX = "events.out.tfevents.";

/** What decides a run's numbers, by name, as text: its options, its data, its first weights. */
export type Settings = Record<string, string>;

export interface RunConfig {
  experiment: string;
  settings: Settings;
  /** The main model's config, and whatever else is worth knowing. */
  [more: string]: unknown;
}

export class RunFolder {
  readonly store: FolderStore;
  /** Eight letters and digits that no other run has. */
  readonly id: string;
  readonly #metrics: string;

  constructor(readonly folder: string) {
    this.store = new FolderStore(folder);
    this.#metrics = join(folder, METRICS_FILE);
    this.id = (this.config?.id as string | undefined) ?? crypto.randomUUID().slice(0, 8);
  }

  /** The config of the run that was begun here, if one was. @throws InputError where it is no run's */
  get config(): RunConfig | undefined {
    return readRunConfig(this.folder);
  }

  /** @throws InputError naming what differs from the settings that the run here was begun with */
  expectSame(experiment: string, settings: Settings): void {
    const begun = this.config;
    if (!begun) return;
    const before: Settings = { experiment: begun.experiment, ...begun.settings };
    const now: Settings = { experiment, ...settings };
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const different = names.filter((name) => before[name] !== now[name]);
    if (different.length === 0) return;
    const list = different.map((name) => `${name} ${before[name] ?? "none"}, not ${now[name] ?? "none"}`).join("; ");
    throw new InputError(
      `The run in "${this.folder}" was begun with ${list}. Go on with its own settings, or choose another folder.`,
      { file: this.folder, different },
    );
  }

  /** Whether there is a checkpoint to go on from. */
  get begun(): boolean {
    return existsSync(join(this.folder, LAST_CHECKPOINT));
  }

  /** Steps that are done. */
  get step(): number {
    const last = this.store.load(LAST_CHECKPOINT);
    return last ? (JSON.parse(loadSafetensors(last).metadata.training) as { step: number }).step : 0;
  }

  /** Its name: that of the folder. */
  get name(): string {
    return basename(resolve(this.folder));
  }

  /** The checkpoint to go on from, which may have been put here by `erwin convert`; undefined where there is none. */
  get last(): { bytes: Uint8Array; file: string } | undefined {
    const bytes = this.store.load(LAST_CHECKPOINT);
    return bytes && { bytes, file: join(this.folder, LAST_CHECKPOINT) };
  }

  /** Writes what the run is, and takes away the numbers of steps that come again. */
  begin(config: RunConfig): void {
    const { begun, step } = this;
    const kept = begun ? this.entries.filter((entry) => entry.step <= step && entry.kind !== "test") : [];
    if (kept.length > 0) writeWhole(this.#metrics, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    else rmSync(this.#metrics, { force: true });
    const events = begun ? [] : listFolder(this.folder).filter(({ name }) => name.startsWith(EVENTS_PREFIX));
    for (const { name } of events) rmSync(join(this.folder, name));
    this.write(config);
  }

  /** Writes what the run is. */
  write(config: RunConfig): void {
    writeWhole(join(this.folder, CONFIG_FILE), `${JSON.stringify({ ...config, id: this.id }, null, 2)}\n`);
  }

  /** Appends a line with its line feed to the run's numbers. */
  log(line: string): void {
    append(this.#metrics, line);
  }

  /** All numbers so far. */
  get entries(): LogEntry[] {
    return readEntries(this.#metrics);
  }
}

/** The lines of a file of numbers. A last line that was cut when the run was killed is left out. */
export function readEntries(path: string): LogEntry[] {
  if (!existsSync(path)) return [];
  const lines = new TextDecoder().decode(readBytes(path)).split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as LogEntry);
}

/** The config in a run's folder; undefined where there is none. */
export function readRunConfig(folder: string): RunConfig | undefined {
  const path = join(folder, CONFIG_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(readBytes(path))) as RunConfig;
  } catch (cause) {
    throw new InputError(`${path}: is no JSON (${(cause as Error).message}).`, { file: path }, { cause });
  }
}

/** The weights in a run's folder: the best so far, or the last where none has been found the best yet. */
export function weightsOf(folder: string): string {
  const best = join(folder, BEST_CHECKPOINT);
  return existsSync(best) ? best : join(folder, LAST_CHECKPOINT);
}
